"""config: settings are read back as they were written, and a wrong one is reported."""

from dataclasses import replace

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.models.config import TaskConfig, overridden, unread
from tests.task_helpers import tiny_elmo

OTHER = {"ngrams": 3, "rate_decay": 9.0, "penalty": 0.5, "pooling": "mean", "method": "nearest", "weight_decay": 0.5,
         "min_count": 2, "input_dropout": 0.5, "hidden_dim": 3, "dropout": 0.6, "attention": "additive", "word_dim": 5,
         "decoder_dim": 6, "beam": 1, "max_source": 3, "epochs": 7, "batch_size": 3, "learning_rate": 0.5,
         "clip_norm": 0.1, "patience": 1, "char_dim": 7, "comparison": "logistic"}


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


@pytest.mark.parametrize(("name", "end", "settings"), [
    ("classify", "tsv", {}), ("classify", "tsv", {"input": "bag"}), ("tag", "conll", {"input": "learnt"}),
    ("senses", "senses", {}), ("senses", "senses", {"method": "nearest"}), ("translate", "pairs", {"input": "0"}),
    ("wic", "data.txt", {}), ("wic", "data.txt", {"comparison": "logistic"}),
    ("tag", "conll", {"input": "characters"})])
def test_what_is_not_read_changes_nothing(name, end, settings, task_home):
    task, elmo = TASKS[name], tiny_elmo()
    examples = task.read(str(task_home / f"train.{end}"), False)
    first = TaskConfig(epochs=2, hidden_dim=4, word_dim=4, decoder_dim=4, **settings)
    found = []
    for config in first, replace(first, **{key: OTHER[key] for key in unread(first, name)}):
        model = task.model(elmo, examples, config, False)
        task.train(model, examples, examples, Progress(quiet=True))
        found.append({key: p.value for key, p in parameters(model.network).items()})
    np.testing.assert_equal(*found)


def test_what_is_read_depends_on_the_task_and_the_input():
    translate = {"attention", "word_dim", "decoder_dim", "beam", "max_source"}
    senses = {"method", "weight_decay", "comparison"}
    assert unread(TaskConfig(), "classify") == {"char_dim", "ngrams", "rate_decay", "min_count", *senses, *translate}
    assert unread(TaskConfig(input="bag", finetune=True), "classify") == {
        "char_dim", "penalty", "pooling", "hidden_dim", "dropout", *senses, *translate}
    assert unread(TaskConfig(input="learnt+characters+1"), "translate") == {
        "ngrams", "rate_decay", "penalty", "pooling", *senses}
    trained = {"epochs", "batch_size", "learning_rate", "weight_decay", "penalty", "input_dropout"}
    assert trained <= unread(TaskConfig(), "wic")
    assert not trained & unread(TaskConfig(comparison="logistic"), "wic")
