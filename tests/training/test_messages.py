"""What a person reads while a model trains."""

import math

import pytest

from elmo_np import backend
from elmo_np.nn.bilm import Loss
from elmo_np.training.checkpointing import TrainingState
from elmo_np.training.epoch_size import EpochSize
from elmo_np.training.messages import (
    announcement,
    gap_note,
    held_out_note,
    overfitting_note,
    progress_line,
    rising_note,
    unigram_note,
    validation_line,
)

SIZE = EpochSize(sentences=1000, targets=13_000, steps=65)
LOSS = Loss(math.log(50), math.log(40))


@pytest.mark.parametrize("which", ["numpy", "cython"])
def test_the_announcement_says_what_there_is_to_do_and_what_makes_it_slow(which, monkeypatch):
    monkeypatch.setattr(backend, "backend", lambda: which)
    monkeypatch.setattr(backend, "why_not", lambda: "no compiler")
    tokens, *slow = announcement(SIZE, 2000, 123_456)
    assert tokens == ("13,000 targets per direction (tokens and sentence ends) to train on, 2,000 words, 123,456 "
                      "parameters, 65 steps per epoch")
    assert slow == (["computing with NumPy alone, several times slower: no compiler"] if which == "numpy" else [])


def test_the_line_of_progress_has_the_step_the_time_left_the_loss_and_the_speed():
    place = TrainingState(epoch=2)
    place.count(LOSS, tokens=200, seconds=0.5)
    assert progress_line(place, 3, 65, sampled=False) == (
        "epoch 2/3  step 1/65  1:04 left  loss 7.60  perplexity fwd 50.0 bwd 40.0  400 tokens/s")
    assert "sampled loss fwd 3.91 bwd 3.69" in progress_line(place, 3, 65, sampled=True)
    assert "step 1/1  0:00 left" in progress_line(place, 1, 0, sampled=False)       # the estimate was too low


def test_the_line_after_an_epoch_has_both_perplexities_and_whether_they_are_the_best():
    assert validation_line("1/2", LOSS, best=True, sampled=False, seconds=75) == \
        "epoch 1/2  validation perplexity: forward 50.00, backward 40.00  (best so far)  after 1:15"
    assert validation_line("1/2", LOSS, best=False, sampled=True, seconds=75) == \
        "epoch 1/2  validation perplexity over all words: forward 50.00, backward 40.00  after 1:15"


def test_no_perplexity_is_printed_with_hundreds_of_digits():
    line = validation_line("1/2", Loss(690, 1e30), best=False, sampled=False, seconds=0)
    assert "forward 4.60e+299, backward infinite" in line


def test_overfitting_is_named_with_the_best_epoch_and_what_may_help():
    assert overfitting_note(3, 10) == (
        "note: validation was best at epoch 3 of 10 and worse since: the model kept is that of epoch 3; more epochs do "
        "not help, a larger corpus, a higher dropout or a smaller model may")


def test_the_note_compares_with_the_unigram_model():
    assert unigram_note(LOSS, math.log(45), "lower it") == (
        "note: the last validation perplexity (forward 50.00, backward 40.00) is not better than that of the unigram "
        "model, which sees no context (45.00): lower it")


def test_a_run_that_stops_improving_is_told_what_it_can_do():
    assert "validation has not improved for 2 epochs, so training overfits or has stopped learning" in rising_note(2)
    assert "(--set patience=N)" in rising_note(2)


def test_the_gap_is_shown_with_both_perplexities():
    assert gap_note(Loss(math.log(9), math.log(8)), LOSS).startswith(
        "note: in the last epoch the perplexity of the training text was forward 9.00, backward 8.00, and after it "
        "that of the validation text forward 50.00, backward 40.00: ")


def test_without_a_validation_file_it_is_said_what_cannot_be_seen():
    assert held_out_note(2).startswith("no validation file: one of every 2 sentences is held out instead, and its ")
    assert "overfitting to this one, cannot be seen" in held_out_note(7)
