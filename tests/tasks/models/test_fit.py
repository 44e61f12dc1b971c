"""fit: the best epoch's weights are kept, patience counts from it, and every sentence is in one batch per epoch."""

import signal
from types import SimpleNamespace

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.nn.parameter import Parameter, parameters
from elmo_np.nn.softmax import IGNORE_INDEX
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.models import fit as fitting
from elmo_np.tasks.models.classifier import SentenceClassifier
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.fit import (
    Dataset,
    EpochResult,
    FitInterrupted,
    Fitting,
    _mean_loss,
    padded,
    shuffled_groups,
)
from tests.task_helpers import FAST, reviews, tiny_elmo


def classifier(**settings):
    return SentenceClassifier(tiny_elmo(), ["good", "bad"], TaskConfig(**{**vars(FAST), **settings}))


def test_the_weights_of_the_best_epoch_are_kept(monkeypatch):
    model, seen = classifier(patience=2), []
    y = np.array(model.label_ids(reviews(20, 1)[1]))

    def probabilities(*args):
        """Of four epochs with 10, 18, 14 and 16 right answers."""
        seen.append({name: p.value.copy() for name, p in parameters(model.network).items()})
        wrong = 20 - (10, 18, 14, 16)[len(seen) - 1]
        return np.eye(2)[np.where(np.arange(20) < wrong, 1 - y, y)]
    monkeypatch.setattr(model, "probabilities", probabilities)
    history = model.train(*reviews(30), *reviews(20, 1))
    assert [epoch.valid for epoch in history] == pytest.approx([0.5, 0.9, 0.7, 0.8])       # two worse: it ends
    for name, p in parameters(model.network).items():
        np.testing.assert_array_equal(p.value, seen[1][name])


@pytest.mark.parametrize(("epoch", "best"), [(1, None), (2, 1), (4, 2)])
def test_ctrl_c_leaves_the_weights_of_the_best_epoch_so_far(monkeypatch, epoch, best):
    model, scores, kept = classifier(patience=9), iter([0.5, 0.9, 0.7, 0.8]), []
    first = {name: p.value.copy() for name, p in parameters(model.network).items()}
    monkeypatch.setattr(model, "_score", lambda *_: kept.append(
        {name: p.value.copy() for name, p in parameters(model.network).items()}) or next(scores))

    def step(*args, step=fitting._step):
        if len(kept) == epoch - 1:
            signal.raise_signal(signal.SIGINT)
        return step(*args)
    monkeypatch.setattr(fitting, "_step", step)
    with pytest.raises(FitInterrupted) as stopped:
        model.train(*reviews(30), *reviews(20, 1))
    assert (len(kept), stopped.value.best) == (epoch - 1, best)
    expected = kept[best - 1] if best else first
    for name, p in parameters(model.network).items():
        np.testing.assert_array_equal(p.value, expected[name])


def test_ctrl_c_in_the_last_validation_stops_what_comes_after_the_training(monkeypatch):
    model, epochs = classifier(epochs=2), []

    def validated(*args, mean=_mean_loss):
        epochs.append(args)
        if len(epochs) == 2:
            signal.raise_signal(signal.SIGINT)
        return mean(*args)
    monkeypatch.setattr(fitting, "_mean_loss", validated)
    with pytest.raises(FitInterrupted):
        model.train(*reviews(30), *reviews(20, 1))
    assert len(epochs) == 2


def test_of_equal_epochs_the_one_with_the_lower_loss_is_kept_and_patience_counts_from_it(monkeypatch):
    """An F1 that stays at zero must not end the training of what is still learning."""
    model = classifier(patience=2, epochs=9)
    monkeypatch.setattr(model, "probabilities", lambda sentences, vectors: np.eye(2)[np.zeros(len(sentences), int)])
    history = model.train(*reviews(30), *reviews(20, 1))
    losses = [epoch.valid_loss for epoch in history]
    assert len({epoch.valid for epoch in history}) == 1
    assert len(history) == 9 or min(losses) == losses[-3]
    assert len(history) > 4


def test_a_training_that_diverges_is_refused_in_its_first_epoch_and_never_the_best_later(monkeypatch):
    losses = iter([np.nan, 1.0, np.nan, np.nan])
    monkeypatch.setattr(fitting, "_mean_loss", lambda *_: next(losses))
    with pytest.raises(UserError, match="validation loss is nan, expected a finite number: lower learning_rate"):
        classifier().train(*reviews(30), *reviews(20, 1))
    model, scores, kept = classifier(epochs=3, patience=9), iter([0.5, 0.7, 0.6]), []
    monkeypatch.setattr(model, "_score", lambda *_: kept.append(model.network.linear.W.value.copy()) or next(scores))
    model.train(*reviews(30), *reviews(20, 1))
    np.testing.assert_array_equal(model.network.linear.W.value, kept[0])


def test_an_epoch_is_better_by_its_score_and_then_by_its_loss_and_epochs_and_patience_end_the_training():
    """ends: of each epoch its validation loss and score -> after each, which is the best and whether training ends."""
    def ends(patience, *epochs):
        config = TaskConfig(epochs=5, patience=patience)
        made, found = Fitting(classifier().network, config, None, None, None, Progress(quiet=True)), []
        for valid_loss, valid in epochs:
            made._end(EpochResult(1.0, valid_loss, valid))
            found.append((made.best, made.ended()))
        return found
    assert ends(2, (3, 0), (2, 0), (2, 0), (9, 0.5), (1, 0.4)) == [
        (0, False), (1, False), (1, False), (3, False), (3, True)]
    assert ends(1, (3, 0), (2, 0), (2, 0)) == [(0, False), (1, False), (1, True)]


def test_every_sentence_is_in_one_batch_of_sentences_of_similar_length(rng):
    lengths = np.tile([3, 9], 50)
    groups = list(shuffled_groups(lengths, 10, rng))
    assert sorted(np.concatenate(groups)) == list(range(100))
    assert {len(group) for group in groups} == {10}
    assert all(len(set(lengths[group])) == 1 for group in groups)


def test_long_sentences_are_in_small_batches(rng):
    lengths = np.array([5] * 50 + [6000] * 5 + [50_000])
    groups = list(shuffled_groups(lengths, 10, rng))
    assert sorted(np.concatenate(groups)) == list(range(56))
    assert sorted(tuple(lengths[group]) for group in groups) == \
        [(5,) * 10] * 5 + [(6000,), (6000, 6000), (6000, 6000), (50_000,)]


def test_the_mean_loss_weighs_batches_by_their_sentences():
    class Lengths:
        def forward(self, source, lengths, y):
            sizes.append(len(lengths))
            return float(lengths.mean()), None
    lengths, sizes = np.array([2, 4, 9000, 8000, 1, 3, 50_000]), []
    data = Dataset(lengths, lambda group: (None, lengths[group], None))
    assert _mean_loss(Lengths(), data, 3) == pytest.approx(lengths.mean())
    assert sizes == [2, 1, 2, 1, 1]
    assert _mean_loss(Lengths(), data._replace(lengths=np.minimum(lengths, 9)), 3) > 0
    assert sizes[5:] == [3, 3, 1]


def test_the_gradients_of_all_that_is_trained_are_clipped_together():
    class Network:
        def __init__(self):
            self.p, self.q, self.frozen = (Parameter(np.zeros(1)) for _ in range(3))

        def forward(self, *batch):
            return 7.0, None

        def backward(self, dloss, cache):
            for parameter, slope in (self.p, 3), (self.q, 4), (self.frozen, 1000):
                parameter.grad += dloss * slope
    network, scales = Network(), []
    optimizers = [SimpleNamespace(parameters={name: getattr(network, name)}, step=scales.append) for name in "pq"]
    for clip_norm in 2.5, 2.5, 10:              # the gradients of the batch before are gone
        assert fitting._step(network, optimizers, (None, None, None), None, clip_norm) == 7
    assert scales == [0.5, 0.5, 0.5, 0.5, 1, 1]


def test_the_generator_draws_the_order():
    one, same, other = (np.concatenate(list(shuffled_groups(np.full(50, 4), 10, np.random.default_rng(seed))))
                        for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_sentences_are_padded_to_the_longest():
    np.testing.assert_array_equal(padded([[5, 6, 7], [8]], IGNORE_INDEX),
                                  [[5, 8], [6, IGNORE_INDEX], [7, IGNORE_INDEX]])
