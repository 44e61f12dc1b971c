"""sampled_softmax: the loss over a target and sampled words, its sampler, and training with it."""

import numpy as np
import pytest

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import replaced
from elmo_np.errors import UserError
from elmo_np.nn.parameter import parameters, shared_copy, zero_grad
from elmo_np.nn.sampled_softmax import SampledSoftmax, draw, log_expected
from elmo_np.nn.softmax import IGNORE_INDEX, Softmax
from elmo_np.training.metrics import read
from elmo_np.training.trainer import train
from elmo_np.viz.plots import training_curves


def layer(rng, V=30, samples=8, dtype=np.float64):
    made = SampledSoftmax(5, V, samples=samples, rng=rng, dtype=dtype)
    made.b.value[...] = rng.normal(size=V)
    return made


def point(rng, V=30):
    h, y = rng.normal(size=(4, 6, 5)), rng.integers(0, V, (4, 6))
    y[1, 2] = y[3, 5] = IGNORE_INDEX
    return h, y


def by_hand(made, h, y, seed):
    """(Q1)-(Q4), one target at a time."""
    V, W, b = len(made.W.value), made.W.value, made.b.value
    ids, tries = draw(made.samples, V, np.random.default_rng(seed))
    P = [(np.log(k + 2) - np.log(k + 1)) / np.log(V + 1) for k in range(V)]
    Q = [1 - (1 - p)**tries for p in P]
    losses = []
    for h_n, y_n in zip(h.reshape(-1, 5), y.reshape(-1), strict=True):
        if y_n != IGNORE_INDEX:
            z = {w: h_n @ W[w] + b[w] - np.log(Q[w]) for w in {*ids.tolist(), int(y_n)}}
            losses.append(np.log(sum(np.exp(value) for value in z.values())) - z[int(y_n)])
    return np.mean(losses)


def test_the_loss_is_that_of_the_equations_one_target_at_a_time(rng, each_backend):
    made, (h, y) = layer(rng), point(rng)
    for seed in range(3):
        ids = draw(8, 30, np.random.default_rng(seed))[0]
        assert 0 < np.isin(y[y != IGNORE_INDEX], ids).mean() < 1         # accidental hits and others
        loss, _ = made.forward(h, y, np.random.default_rng(seed))
        np.testing.assert_allclose(loss, by_hand(made, h, y, seed), rtol=1e-12)


def test_chunks_and_logits_that_are_computed_again_change_nothing(rng, each_backend):
    made, (h, y) = layer(rng), point(rng)
    found = []
    for rows, kept in (512, 1 << 22), (5, 0):
        made.full.ROWS, made.full.KEPT = rows, kept
        zero_grad(made)
        loss, cache = made.forward(h, y, np.random.default_rng(1))
        found.append((loss, made.backward(0.3, cache), made.W.grad.copy(), made.b.grad.copy()))
    assert len(cache.chunks) == 5
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)


def test_only_rows_of_the_sample_and_of_targets_have_a_gradient(rng, each_backend):
    made, (h, y) = layer(rng, V=200), point(rng, V=200)
    for _ in range(2):
        zero_grad(made)
        _, cache = made.forward(h, y, rng)
        made.backward(1.0, cache)
    expected = np.union1d(cache.sample.ids, y[y != IGNORE_INDEX])
    assert len(expected) < 100
    for p in made.W, made.b:
        np.testing.assert_array_equal(np.flatnonzero(p.grad.reshape(200, -1).any(axis=1)), expected)
        np.testing.assert_array_equal(p.nonzero_rows(), expected)


def test_rows_of_two_passes_before_one_update_are_all_cleared(rng, each_backend):
    made = layer(rng, V=500)
    for seed in range(2):
        made.backward(1.0, made.forward(*point(rng, V=500), np.random.default_rng(seed))[1])
    for p in made.W, made.b:
        touched = np.flatnonzero(p.grad.reshape(500, -1).any(axis=1))
        assert set(touched) <= set(p.nonzero_rows())
    zero_grad(made)
    assert not made.W.grad.any()
    assert not made.b.grad.any()


def test_the_softmax_over_all_words_adds_no_parameters(rng):
    made = layer(rng)
    assert {name: p.value.shape for name, p in parameters(made).items()} == {"W": (30, 5), "b": (30,)}
    copy = shared_copy(made, {})
    assert copy.W is copy.full.W is not made.W
    assert copy.W.value is made.W.value


def test_evaluation_is_over_all_words(rng, each_backend):
    made, (h, y) = layer(rng), point(rng)
    full = Softmax(5, 30, rng=rng, dtype=np.float64, W=made.W, b=made.b)
    np.testing.assert_array_equal(made.nll(h, y), full.nll(h, y))
    assert made.nll(h, y)[1, 2] == 0


def test_the_sample_equals_that_of_drawing_one_word_at_a_time():
    for samples, V in (1, 2), (5, 6), (7, 40), (60, 100):
        for seed in range(20):
            ids, tries = draw(samples, V, np.random.default_rng(seed))
            rng, seen, count = np.random.default_rng(seed), [], 0
            while len(seen) < samples:
                for u in rng.random(2 * samples):
                    k = int(np.exp(u * np.log(V + 1))) - 1
                    count += 1
                    if k not in seen:
                        seen.append(k)
                    if len(seen) == samples:
                        break
            assert (ids.tolist(), tries) == (sorted(seen), count)


def test_single_draws_follow_the_log_uniform_distribution():
    V, N, rng = 6, 20000, np.random.default_rng(0)
    counts = np.bincount([draw(1, V, rng)[0][0] for _ in range(N)], minlength=V)
    P = np.log((np.arange(V) + 2) / (np.arange(V) + 1)) / np.log(V + 1)
    np.testing.assert_allclose(P.sum(), 1, rtol=1e-15)
    assert (np.abs(counts - N * P) < 4 * np.sqrt(N * P * (1 - P))).all()      # four standard deviations


def test_the_expected_count_is_right_for_words_that_are_never_and_that_are_always_drawn():
    V = 10**6
    ids = np.array([0, 10, V - 1])
    P = np.log((ids + 2) / (ids + 1)) / np.log(V + 1)
    np.testing.assert_allclose(np.exp(log_expected(ids, 1, V)), P, rtol=1e-9)       # one try: P itself
    np.testing.assert_allclose(log_expected(ids, 10**9, V), [0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(np.exp(log_expected(ids[1:], 50, V)), 1 - (1 - P[1:])**50, rtol=1e-8)


def test_without_an_rng_forward_is_an_error_and_not_the_full_loss(rng):
    made, (h, y) = layer(rng), point(rng)
    with pytest.raises(ValueError, match="expected an rng; nll is the loss over all of them"):
        made.forward(h, y)


@pytest.mark.parametrize("samples", [30, 31, 0])
def test_as_many_samples_as_words_are_refused(rng, samples):
    with pytest.raises(UserError, match=f"samples = {samples} with 30 words: expected from 1 to 29"):
        layer(rng, samples=samples)


def test_a_sampled_softmax_is_not_smoothed(rng):
    sampled = layer(rng)
    for call in sampled.smoothing, lambda cache: sampled.backward(1.0, cache, 0.1):
        with pytest.raises(ValueError, match="a sampled softmax is not smoothed: expected smoothing = 0"):
            call(None)


CORPUS = [f"the {noun} {verb} a {adjective} {noun} .".split() for noun in ("cat", "dog", "bird", "fish")
          for verb in ("sees", "likes", "hears") for adjective in ("red", "small", "old")]
SMALL = {"embedding_dim": 8, "hidden_dim": 8, "softmax": "sampled", "samples": 6, "batch_size": 4, "steps": 5,
         "optimizer": "adagrad", "learning_rate": 0.5, "epochs": 4, "clip_norm": 10.0, "loss_scale": "elmo"}


def test_training_reports_the_sampled_loss_under_its_name_and_validates_over_all_words(tmp_path, capsys):
    train(CORPUS, tmp_path, valid=CORPUS[::5], settings=replaced(Settings(), **SMALL))
    rows = read(tmp_path / "metrics.csv")
    assert {row["split"] for row in rows} == {"sampled", "valid"}
    assert all((row["forward_perplexity"] == "") == (row["split"] == "sampled") for row in rows)
    perplexities = [float(row["forward_perplexity"]) for row in rows if row["split"] == "valid"]
    assert perplexities[-1] < perplexities[0] < 20
    said = capsys.readouterr().err
    assert "validation perplexity over all words: forward" in said
    assert "sampled loss" not in said or "perplexity fwd" not in said
    labels = [line.get_label() for line in training_curves(rows).axes[0].lines]
    assert labels == ["forward, held out", "backward, held out"]


@pytest.mark.parametrize("changes", [{}, {"share_embedding": True, "share_softmax": True, "tie": True}])
def test_a_stopped_training_continues_with_the_same_samples(tmp_path, changes):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    settings = replaced(Settings(), **SMALL, **changes)
    train(CORPUS, whole, valid=CORPUS[::5], settings=settings, quiet=True)
    train(CORPUS, parts, valid=CORPUS[::5], settings=replaced(settings, epochs=2), quiet=True)
    train(CORPUS, parts, valid=CORPUS[::5], settings=settings, quiet=True, resume=True)
    for name in "model.safetensors", "last.safetensors":
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
