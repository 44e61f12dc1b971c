"""metrics.csv: rows are appended, read back and dropped; a perplexity without a meaning is blank."""

import math
import re

import pytest

from elmo_np.errors import UserError
from elmo_np.inference.evaluate import Evaluation
from elmo_np.training.checkpointing import TrainingState
from elmo_np.training.metrics import COLUMNS, Metrics, best_validation, read, training_loss


@pytest.fixture
def metrics(tmp_path):
    metrics = Metrics(tmp_path / "metrics.csv")
    metrics.start()
    return metrics


def place(epoch=1, step=5, forward=40.0, backward=20.0, tokens=10):
    return TrainingState(epoch=epoch, step=step, forward=forward, backward=backward, tokens=tokens, seconds=1.5)


def test_a_row_has_the_mean_losses_and_their_perplexities(metrics):
    metrics.train(place(), 0.01, sampled=False)
    metrics.valid(place(), Evaluation(30.0, 10.0, 10, 3, 0), 0.01)
    train, valid = read(metrics.path)
    assert tuple(train.values()) == ("train", "1", "5", "10", "4", "2", f"{math.exp(4):.6g}", f"{math.exp(2):.6g}",
                                     "0.01", "1.50")
    assert tuple(valid.values())[:6] == ("valid", "1", "5", "10", "3", "1")


@pytest.mark.parametrize(("forward", "sampled", "expected"), [
    (1000.0, False, f"{math.exp(100):.6g}"), (1001.0, False, ""), (1e31, False, ""), (40.0, True, "")])
def test_a_perplexity_is_blank_where_it_has_no_meaning(metrics, forward, sampled, expected):
    metrics.train(place(forward=forward), 0.01, sampled=sampled)
    row, = read(metrics.path)
    assert row["forward_perplexity"] == expected
    assert float(row["forward_loss"]) == forward / 10


@pytest.mark.parametrize("row", [
    "train,1,5,10,4,2,,7.4,0.01,1.5", "sampled,1,5,10,4,2,54,7.4,0.01,1.5", "train,1,5,10,inf,2,,7.4,0.01,1.5",
    "train,1,5,10,4,2,nan,7.4,0.01,1.5", "other,1,5,10,4,2,54,7.4,0.01,1.5", "train,1,5,10,4,2,54,7.4,0.01",
    "train,1,-5,10,4,2,54,7.4,0.01,1.5", f"train,1,5,{'9' * 4300},4,2,54,7.4,0.01,1.5"])
def test_a_file_with_another_row_is_refused(metrics, row):
    with open(metrics.path, "a") as file:
        file.write(row + "\n")
    with pytest.raises(UserError, match=rf"^{re.escape(str(metrics.path))} is not a metrics\.csv of elmo_np: expected"):
        read(metrics.path)


def test_a_file_that_older_versions_wrote_is_read(metrics):
    with open(metrics.path, "a") as file:
        file.write("train,1,5,10,1e+30,2,1.01423e+304,7.4,0.01,1.5\n")
    assert len(read(metrics.path)) == 1


def test_a_last_line_that_was_cut_short_is_left_out(metrics):
    metrics.train(place(), 0.01, sampled=False)
    with open(metrics.path, "a") as file:
        file.write("train,1,")
    assert len(read(metrics.path)) == 1


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", ",".join(COLUMNS[:-1]) + "\n"])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "other.csv").write_text(text)
    with pytest.raises(UserError, match="expected the columns split, epoch, step"):
        read(tmp_path / "other.csv")
    with pytest.raises(UserError, match="cannot read"):
        read(tmp_path / "none.csv")


def test_a_validation_within_an_epoch_is_kept_where_training_has_gone_on_from_it(metrics):
    for step in 3, 5, 6:
        metrics.valid(place(step=step), Evaluation(30.0, 10.0, 10, 3, 0), 0.01)
    metrics.resume(place(step=5), validates=False)                  # eval_every has changed
    assert [row["step"] for row in read(metrics.path)] == ["3", "5"]
    metrics.resume(place(step=5), validates=True)
    assert [row["step"] for row in read(metrics.path)] == ["3"]     # that of step 5 is repeated


def test_the_row_of_the_last_step_is_kept_and_that_of_the_next_is_not(metrics):
    for step in 5, 6:
        metrics.train(place(step=step), 0.01, sampled=False)
    metrics.resume(place(step=5, tokens=0), validates=False)
    assert [row["step"] for row in read(metrics.path)] == ["5"]


def test_the_seconds_go_on_from_the_last_row(metrics):
    metrics.train(place(step=4), 0.01, sampled=False)
    resumed = TrainingState(epoch=1, step=5, tokens=3)
    metrics.resume(resumed, validates=False)
    assert resumed.seconds == 1.5


@pytest.mark.parametrize(("at", "kept"), [
    (place(2, 5, tokens=0), [("train", "1"), ("valid", "1"), ("train", "2")]),      # its row is written
    (place(2, 5, tokens=3), [("train", "1"), ("valid", "1")]),                      # its row is still to come
    (place(1, 5, tokens=0), [("train", "1")])])
def test_rows_after_the_point_of_resuming_are_dropped(metrics, at, kept):
    for epoch in 1, 2:
        metrics.train(place(epoch), 0.01, sampled=False)
        metrics.valid(place(epoch), Evaluation(30.0, 10.0, 10, 3, 0), 0.01)
    metrics.resume(at, validates=True)
    assert [(row["split"], row["epoch"]) for row in read(metrics.path)] == kept


def test_the_best_validation_has_the_lowest_sum_of_both_losses(metrics):
    assert best_validation([]) is None
    for epoch, (forward, backward) in enumerate([(30.0, 30.0), (10.0, 40.0), (35.0, 20.0)], 1):
        metrics.valid(place(epoch), Evaluation(forward, backward, 10, 3, 0), 0.01)
    metrics.train(place(forward=1.0, backward=1.0), 0.01, sampled=False)
    assert best_validation(read(metrics.path))["epoch"] == "2"


@pytest.mark.parametrize(("direction", "cells"), [("forward", "4,,54.5982,"), ("backward", ",2,,7.38906")])
def test_a_direction_that_the_model_lacks_is_blank(tmp_path, direction, cells):
    metrics = Metrics(tmp_path / "metrics.csv", [direction])
    metrics.start()
    metrics.train(place(), 0.01, sampled=False)
    nats = {"forward": (30.0, None), "backward": (None, 30.0)}[direction]
    metrics.valid(place(), Evaluation(*nats, 10, 3, 0), 0.01)
    metrics.valid(place(step=6), Evaluation(*nats, 20, 3, 0), 0.01)
    assert metrics.path.read_text().splitlines()[1] == f"train,1,5,10,{cells},0.01,1.50"
    assert best_validation(read(metrics.path))["step"] == "6"


@pytest.mark.parametrize("row", ["train,1,5,10,,,,,0.01,1.5", "train,1,5,10,4,,54.6,7.4,0.01,1.5",
                                 "train,1,5,10,,2,54.6,7.4,0.01,1.5"])
def test_a_perplexity_without_a_loss_or_a_row_without_both_is_refused(metrics, row):
    with open(metrics.path, "a") as file:
        file.write(row + "\n")
    with pytest.raises(UserError, match=r"is not a metrics\.csv of elmo_np"):
        read(metrics.path)


def test_the_training_loss_of_an_epoch_is_the_mean_over_its_tokens(metrics):
    metrics.train(place(1, 5, 40.0, 20.0, 10), 0.1, sampled=False)
    metrics.train(place(1, 9, 90.0, 30.0, 30), 0.1, sampled=False)
    metrics.train(place(2, 5, 1.0, 1.0, 10), 0.1, sampled=False)
    metrics.train(place(3, 5, 1.0, 1.0, 10), 0.1, sampled=True)
    metrics.valid(place(1, 9), Evaluation(30.0, 10.0, 10, 3, 0), 0.01)
    rows = read(metrics.path)
    assert training_loss(rows, 1) == pytest.approx((130 / 40, 50 / 40))
    assert training_loss(rows, 3) is None
    assert training_loss(rows, 4) is None


def test_rows_of_other_directions_in_one_file_are_refused(metrics):
    metrics.valid(place(), Evaluation(30.0, 30.0, 10, 3, 0), 0.01)
    with open(metrics.path, "a") as file:
        file.write("valid,2,5,10,4,,54.6,,0.01,1.5\n")         # would be the best, with half of the loss
    with pytest.raises(UserError, match=r"is not a metrics\.csv of elmo_np"):
        read(metrics.path)
