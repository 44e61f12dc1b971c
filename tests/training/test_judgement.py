"""What is said after the last validation: that training overfits, or that the model is no better than counting."""

import math

import pytest

from elmo_np.config.schema import TrainConfig
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.evaluate import unigram_perplexity
from elmo_np.nn.bilm import Loss
from elmo_np.training.checkpointing import TrainingState
from elmo_np.training.judgement import Judge
from elmo_np.training.metrics import Metrics

TEXT = [["the", "cat", "sat"], ["the", "dog", "sat"]] * 5
VOCABULARY = Vocabulary.build(TEXT)
UNIGRAM = math.log(unigram_perplexity(VOCABULARY, TEXT))


@pytest.mark.parametrize(("best", "last", "since_best", "said"), [
    (-0.5, -0.4, 2, ["validation was best at epoch 3 of 5"]),
    (-0.5, 0.4, 2, ["validation was best at epoch 3 of 5"]),            # not that more epochs may help
    (0.1, 0.4, 2, ["the last validation perplexity"]),                  # not that they do not
    (0.4, 0.4, 0, ["the last validation perplexity"]),
    (-0.5, -0.5, 0, [])])
def test_more_epochs_are_not_advised_for_and_against_at_once(tmp_path, best, last, since_best, said):
    """best, last: how far the validation losses are above the unigram model's."""
    Metrics(tmp_path / "metrics.csv").start()
    judge = Judge(TrainConfig(), VOCABULARY, TEXT, tmp_path / "metrics.csv")
    place = TrainingState(epoch=6, best=2 * (UNIGRAM + best), since_best=since_best)
    notes = list(judge.at_end(place, Loss(UNIGRAM + last, UNIGRAM + last), "a lower learning_rate"))
    assert [note[len("note: "):len("note: ") + len(start)] for note, start in zip(notes, said, strict=True)] == said
