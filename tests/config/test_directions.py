"""directions: a result has a value for each direction of its model, and None for one that it lacks."""

import pytest

from elmo_np.config.directions import DIRECTIONS, by_direction, from_directions
from elmo_np.config.schema import BiLMConfig
from elmo_np.config.toml_files import from_json, to_json
from elmo_np.errors import UserError
from elmo_np.nn.bilm import Loss


def test_the_values_that_are_there_are_found_and_zero_is_one():
    assert by_direction(Loss(0.0, None)) == {"forward": 0.0}
    assert by_direction(Loss(2.0, 1.0)) == {"forward": 2.0, "backward": 1.0}


@pytest.mark.parametrize("values", [{"forward": 1.0}, {"backward": 2.0}, {"forward": 1.0, "backward": 2.0}])
def test_both_functions_are_inverse(values):
    assert by_direction(Loss(**from_directions(values))) == values
    assert from_directions(values, "{}_nats") == {"forward_nats": values.get("forward"),
                                                  "backward_nats": values.get("backward")}


@pytest.mark.parametrize(("direction", "expected"), [("both", DIRECTIONS), ("forward", ("forward",)),
                                                     ("backward", ("backward",))])
def test_a_model_has_the_directions_of_its_setting_and_vectors_as_wide(direction, expected):
    config = BiLMConfig(direction=direction, hidden_dim=5, projection_dim=3, embedding_dim=7)
    assert config.directions == expected
    assert [config.width(layer) for layer in (0, 1)] == [7 * len(expected), 3 * len(expected)]
    assert from_json(BiLMConfig, to_json(config)) == config


def test_settings_of_both_directions_are_written_as_before_and_read_without_it():
    assert "direction" not in to_json(BiLMConfig())
    assert from_json(BiLMConfig, '{"layers":2}').direction == "both"


@pytest.mark.parametrize("value", ["", "Forward", "left", "both,forward", "forward "])
def test_another_direction_is_refused_in_one_line(value):
    with pytest.raises(UserError, match=r"^direction = .*expected one of both, forward, backward$") as error:
        BiLMConfig(direction=value)
    assert "\n" not in str(error.value)


def test_sharing_between_directions_asks_for_nothing_where_there_is_one():
    BiLMConfig(direction="forward", tie=True, share_softmax=True)
