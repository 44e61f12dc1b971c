"""What validation says of a training: which notes it gives, when, and how often."""

import math

import pytest

from elmo_np.config.schema import TrainConfig
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.evaluate import unigram_perplexity
from elmo_np.nn.bilm import Loss
from elmo_np.training.checkpointing import TrainingState
from elmo_np.training.judgement import Judge
from elmo_np.training.messages import gap_note, overfitting_note, rising_note, unigram_note
from elmo_np.training.metrics import Metrics

WORDS = [f"word{k}" for k in range(1000)]
VOCABULARY = Vocabulary.build([[word] for word in WORDS])
VALID = [WORDS[:9], WORDS[9:18]]
UNIGRAM = math.log(unigram_perplexity(VOCABULARY, VALID))
POOR, GOOD = Loss(1.0, UNIGRAM), Loss(UNIGRAM - 0.01, UNIGRAM - 0.01)      # one direction is enough, and no less is


@pytest.fixture
def judge(tmp_path):
    """judge(...): of a training with these settings, that has written the head of its metrics.csv."""
    def judge(**settings):
        Metrics(tmp_path / "metrics.csv").start()
        return Judge(TrainConfig(**settings), VOCABULARY, VALID, tmp_path / "metrics.csv")
    return judge


def during(judge, since_best, loss, best=1.0):
    return list(judge.during(TrainingState(epoch=5, since_best=since_best, best=best), loss, "ADVICE"))


def trained(path, epoch, directions=("forward", "backward"), sampled=False):
    """Write that the training loss of an epoch was 2 nats per token forward, and 3 backward."""
    place = TrainingState(epoch=epoch, step=1, tokens=10, forward=20.0, backward=30.0)
    Metrics(path, directions).train(place, 0.1, sampled)


def test_a_model_no_better_than_counting_is_reported_after_the_first_epoch_without_progress_and_once(judge):
    one = judge()
    assert during(one, 0, POOR) == []
    assert during(one, 1, GOOD) == []
    assert during(one, 1, POOR) == [
        unigram_note(POOR, UNIGRAM, "if the next epochs are no better, stop (Ctrl-C), and ADVICE")]
    assert during(one, 1, POOR) == []
    assert during(judge(), 2, POOR) == [rising_note(2)]


def test_two_epochs_without_progress_are_reported_where_a_model_was_kept_and_nothing_else_would_stop(judge):
    assert [during(judge(), since, GOOD) for since in range(4)] == [[], [], [rising_note(2)], []]
    assert during(judge(), 2, GOOD, best=math.inf) == []
    assert during(judge(patience=5), 2, GOOD) == []


def test_at_the_end_the_best_epoch_is_named_unless_it_is_the_last(judge):
    for since_best, notes in (0, []), (1, [overfitting_note(9, 10)]), (3, [overfitting_note(7, 10)]):
        assert list(judge().at_end(TrainingState(epoch=11, since_best=since_best, best=1.0), GOOD, "ADVICE")) == notes


def test_at_the_end_a_model_no_better_than_counting_is_reported_again(judge):
    one = judge()
    during(one, 1, POOR)
    assert list(one.at_end(TrainingState(epoch=3), POOR, "ADVICE")) == [
        unigram_note(POOR, UNIGRAM, "train for more epochs if the loss was falling; otherwise ADVICE")]


@pytest.mark.parametrize(("best", "last", "since_best", "said"), [
    (-0.5, -0.4, 2, ["validation was best at epoch 3 of 5"]),
    (-0.5, 0.4, 2, ["validation was best at epoch 3 of 5"]),            # not that more epochs may help
    (0.1, 0.4, 2, ["the last validation perplexity"]),                  # not that they do not
    (0.4, 0.4, 0, ["the last validation perplexity"]),
    (-0.5, -0.5, 0, [])])
def test_more_epochs_are_not_advised_for_and_against_at_once(judge, best, last, since_best, said):
    """best, last: how far the validation losses are above the unigram model's."""
    place = TrainingState(epoch=6, best=2 * (UNIGRAM + best), since_best=since_best)
    notes = list(judge().at_end(place, Loss(UNIGRAM + last, UNIGRAM + last), "a lower learning_rate"))
    assert [note[len("note: "):len("note: ") + len(start)] for note, start in zip(notes, said, strict=True)] == said


@pytest.mark.parametrize(("directions", "below", "above"), [
    (("forward", "backward"), Loss(3.19, 3.19), Loss(3.2, 3.2)), (("forward",), Loss(2.69, None), Loss(2.7, None))])
def test_twice_the_perplexity_of_the_training_text_is_reported(judge, directions, below, above):
    """A difference of log 2 = 0.693 nats per token in the mean of the directions."""
    one = judge()
    trained(one.metrics, 2, directions)
    seen = Loss(2.0, 3.0 if len(directions) > 1 else None)
    assert list(one.at_end(TrainingState(epoch=3), below, "ADVICE")) == []
    assert list(one.at_end(TrainingState(epoch=3), above, "ADVICE")) == [gap_note(seen, above)]


def test_a_sampled_loss_and_that_of_another_epoch_are_not_compared_with(judge):
    one = judge()
    trained(one.metrics, 1)
    trained(one.metrics, 2, sampled=True)
    assert list(one.at_end(TrainingState(epoch=3), Loss(5.0, 5.0), "ADVICE")) == []
