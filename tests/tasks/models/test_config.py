"""config: settings are read back as they were written, and a wrong one is reported."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.models.config import TaskConfig, overridden


def test_settings_are_read_as_they_are_written():
    config = overridden(TaskConfig(), ["hidden_dim=none", "input=1", "pooling=mean", "learning_rate=.01"])
    assert (config.hidden_dim, config.input, config.pooling, config.learning_rate) == (None, "1", "mean", 0.01)
    assert TaskConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(("assignment", "message"), [
    ("colour=1", "expected key=value with one of"),
    ("epochs", "expected key=value"),
    ("epochs=0", "epochs = 0: expected a whole number"),
    ("dropout=1", "dropout = 1"),
])
def test_a_wrong_setting_is_reported(assignment, message):
    with pytest.raises(UserError, match=message):
        overridden(TaskConfig(), [assignment])


@pytest.mark.parametrize("text", ["[]", "{", '{"colour": 1}', '{"epochs": 0}'])
def test_only_json_of_settings_is_read(text):
    with pytest.raises(UserError):
        TaskConfig.from_json(text)
