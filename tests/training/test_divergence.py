"""Divergence: which losses stop a training, which only count, and what the message says."""

import math

import numpy as np
import pytest

from elmo_np.config.schema import TrainConfig
from elmo_np.nn.bilm import Loss
from elmo_np.nn.parameter import Parameter
from elmo_np.training.divergence import DivergenceMonitor, no_model, not_finite

V = 1000
LOG_V = math.log(V)
FINE, BAD = Loss(LOG_V, LOG_V), Loss(LOG_V, 10.01 * LOG_V)


def monitor(**config):
    return DivergenceMonitor(V, TrainConfig(**config))


def test_a_hundred_steps_in_a_row_beyond_ten_log_v_are_divergence():
    seen = monitor()
    for _ in range(99):
        seen.count(BAD)
    assert not seen.diverged
    seen.count(BAD)
    assert seen.diverged


def test_one_good_step_starts_the_count_again():
    seen = monitor()
    for loss in [*[BAD] * 99, FINE, *[BAD] * 99]:
        seen.count(loss)
        assert not seen.diverged
    assert seen.steps == 99


@pytest.mark.parametrize("loss", [FINE, Loss(0, 0), Loss(9.99 * LOG_V, 9.99 * LOG_V)])
def test_losses_up_to_ten_log_v_are_not_counted(loss):
    seen = monitor()
    seen.count(loss)
    assert seen.steps == 0


def test_a_model_is_worth_keeping_up_to_twice_log_v_in_both_directions():
    assert monitor().usable(Loss(1.99 * LOG_V, 0.5))
    assert not monitor().usable(Loss(0.5, 2.01 * LOG_V))
    assert not monitor().usable(Loss(2.01 * LOG_V, 0.5))


@pytest.mark.parametrize(("config", "clip"), [({}, "set clip_norm, for example clip_norm=5"),
                                              ({"clip_norm": 2.5}, "lower clip_norm (now 2.5)")])
def test_the_message_has_the_step_the_losses_the_checkpoint_and_what_to_change(config, clip):
    error = monitor(**config).error("epoch 2, step 3", Loss(math.nan, 1.23456e30), "the reason", "last (epoch 1)", 0.5)
    assert str(error) == ("training stopped at epoch 2, step 3: loss forward nan, backward 1.235e+30 nats per token, "
                          "where a model that knows nothing has log V = 6.91; the reason; last good checkpoint: last "
                          f"(epoch 1); start another run with a lower learning_rate (now 0.5), or {clip}")


def test_the_first_array_that_is_not_finite_is_named_values_before_gradients():
    arrays = {name: Parameter(np.ones(2)) for name in ("a", "b")}
    assert not_finite(arrays) == "not finite: the loss"
    arrays["a"].grad[0] = np.inf
    assert not_finite(arrays) == "not finite: the gradient of a"
    arrays["b"].value[1] = np.nan
    assert not_finite(arrays) == "not finite: b"


def test_why_no_model_was_kept_names_both_directions_where_there_are_two():
    assert no_model(2) == "the validation loss was never below 2 log V in both directions, so no model was kept"
    assert no_model(1) == "the validation loss was never below 2 log V, so no model was kept"
