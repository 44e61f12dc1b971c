"""adaptive_softmax: exact probabilities of all words, PyTorch's values and gradients, a model that trains with it."""

import math
from collections import Counter

import numpy as np
import pytest

from elmo_np import ELMo, evaluate
from elmo_np.config.schema import BiLMConfig
from elmo_np.data.batches import sentence_batches, stream_batches
from elmo_np.data.vocabulary import SPECIAL_TOKENS
from elmo_np.errors import UserError
from elmo_np.io import safetensors_file as checkpoint
from elmo_np.nn.adaptive_softmax import AdaptiveSoftmax, default_cutoffs, training_cutoffs
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.optim import Adam
from elmo_np.nn.parameter import parameters, zero_grad
from elmo_np.nn.softmax import IGNORE_INDEX, Softmax
from tests.training_helpers import CORPUS, run

pytestmark = pytest.mark.usefixtures("each_backend")

P, V = 8, 20
CUTOFFS = (6, 11, 15)       # clusters of 5, 4 and 5 words that read widths of 4, 2 and 1 at a div_value of 2
# two losses around 5 after sums of less than 20 terms: 40 roundings of 1.1e-16 times 5
ROUNDING = 3e-14


def random_layer(rng, *, cutoffs=CUTOFFS, div_value=2, dtype=np.float64):
    """A layer with biases that are not zero."""
    layer = AdaptiveSoftmax(P, V, cutoffs=cutoffs, div_value=div_value, rng=rng, dtype=dtype)
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.7
    return layer


@pytest.fixture
def layer(rng):
    return random_layer(rng)


@pytest.fixture
def point(rng):
    """Targets that contain every word of the vocabulary, and padding."""
    y = np.concatenate([rng.permutation(V), rng.integers(0, V, 8), [IGNORE_INDEX, IGNORE_INDEX]])
    return rng.normal(size=(10, 3, P)), rng.permutation(y).reshape(10, 3)


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def results(layer, h, y, dloss=1.0):
    """Loss, the gradient of h, and that of every Parameter by its name."""
    zero_grad(layer)
    loss, cache = layer.forward(h, y)
    dh = layer.backward(dloss, cache)
    return loss, {"h": dh, **{name: p.grad.copy() for name, p in parameters(layer).items()}}


def same_results(one, other, atol=ROUNDING):
    assert one[0] == pytest.approx(other[0], abs=atol)
    assert one[1].keys() == other[1].keys()
    for name in one[1]:
        close(one[1][name], other[1][name], atol)


def log_p(layer, h, w):
    """(A1), (A2) for one row and one word, one value at a time."""
    def choice(softmax, x, entry):
        W, b = softmax.W.value.tolist(), softmax.b.value.tolist()
        z = [sum(a * c for a, c in zip(row, x, strict=True)) + b_v for row, b_v in zip(W, b, strict=True)]
        return math.log(math.exp(z[entry]) / sum(map(math.exp, z)))
    bounds = [*CUTOFFS, V]
    if w < bounds[0]:
        return choice(layer.head, h, w)
    i = max(k for k in range(len(CUTOFFS)) if bounds[k] <= w)
    Q = layer.tails[i].projection.value.tolist()
    r = [sum(h[p] * Q[p][q] for p in range(P)) for q in range(len(Q[0]))]
    return choice(layer.head, h, bounds[0] + i) + choice(layer.tails[i].softmax, r, w - bounds[i])


def formula(layer, h, y):
    """-log p of every target, 0 at padding."""
    rows = zip(h.reshape(-1, P).tolist(), y.reshape(-1).tolist(), strict=True)
    return [0.0 if w == IGNORE_INDEX else -log_p(layer, row, w) for row, w in rows]


# probabilities

def test_the_loss_and_nll_equal_the_formula(layer, point):
    nll = layer.nll(*point)
    assert nll.shape == point[1].shape
    expected = formula(layer, *point)
    close(nll.reshape(-1), expected)
    assert layer.forward(*point)[0] == pytest.approx(sum(expected) / (point[1] != IGNORE_INDEX).sum(), abs=ROUNDING)


def test_log_probabilities_equal_the_formula_for_every_word(layer, rng):
    h = rng.normal(size=(2, P))
    close(layer.log_probabilities(h), [[log_p(layer, row, w) for w in range(V)] for row in h.tolist()])


@pytest.mark.parametrize("shape", [(), (4,), (0, 2), (3, 2)])
def test_the_probabilities_of_all_words_sum_to_one(layer, rng, shape):
    found = layer.log_probabilities(rng.normal(size=(*shape, P)))
    assert found.shape == (*shape, V)
    close(np.exp(found).sum(axis=-1), np.ones(shape), 1e-12)


def test_nll_is_minus_the_log_probability_of_the_target(layer, point):
    h, y = point
    of_targets = np.take_along_axis(layer.log_probabilities(h), y[..., None], -1)[..., 0]
    close(layer.nll(h, y), np.where(y == IGNORE_INDEX, 0, -of_targets))


def test_logits_of_ten_thousand_neither_overflow_nor_underflow(layer):
    for softmax in layer.head, *(tail.softmax for tail in layer.tails):
        softmax.b.value[...] = np.where(np.arange(len(softmax.b.value)) % 2, -1e4, 1e4)
    found = layer.log_probabilities(np.zeros((1, P)))
    close(np.exp(found).sum(), 1.0, 1e-12)
    close(layer.nll(np.zeros((V, P)), np.arange(V)), -found[0], 1e-11)      # 4e4 in 53 bits: 4e-12
    loss, grads = results(layer, np.zeros((V, P)), np.arange(V))
    assert np.isfinite(loss)
    assert all(np.isfinite(grad).all() for grad in grads.values())


# what PyTorch computes

@pytest.mark.parametrize("div_value", [4, 2])
@pytest.mark.parametrize("cutoffs", [(10, 25), (3, 8, 20)], ids=str)
def test_values_and_gradients_are_those_of_pytorch(rng, cutoffs, div_value):
    """PyTorch's tails have no biases: ours keep their initial zeros, and their gradients are not compared."""
    torch = pytest.importorskip("torch")
    P, V = 64, 50
    ours = AdaptiveSoftmax(P, V, cutoffs=cutoffs, div_value=div_value, rng=rng, dtype=np.float64)
    ours.head.b.value[...] = rng.normal(size=len(ours.head.b.value))
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(P, V, list(cutoffs), div_value, head_bias=True, dtype=torch.float64)
    pairs = {"head.W": theirs.head.weight, "head.b": theirs.head.bias}
    for i, (reduction, words) in enumerate(theirs.tail):
        pairs |= {f"tails.{i}.projection": reduction.weight.T, f"tails.{i}.softmax.W": words.weight}
        reduction.weight.retain_grad()
    named = parameters(ours)
    assert named.keys() == pairs.keys() | {f"tails.{i}.softmax.b" for i in range(len(cutoffs))}
    with torch.no_grad():
        for name, tensor in pairs.items():
            tensor.copy_(torch.from_numpy(named[name].value))
    h, y = rng.normal(size=(40, P)), rng.integers(0, V, 40)
    assert all(tail.holds(y).any() for tail in ours.tails)
    x = torch.from_numpy(h).requires_grad_()
    output = theirs(x, torch.from_numpy(y))
    output.loss.backward()
    loss, grads = results(ours, h, y)
    assert loss == pytest.approx(output.loss.item(), rel=1e-6)
    np.testing.assert_allclose(ours.nll(h, y), -output.output.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(ours.log_probabilities(h), theirs.log_prob(x).detach().numpy(), rtol=1e-6)
    expected = {"h": x.grad, "head.W": theirs.head.weight.grad, "head.b": theirs.head.bias.grad}
    for i, (reduction, words) in enumerate(theirs.tail):
        expected |= {f"tails.{i}.projection": reduction.weight.grad.T, f"tails.{i}.softmax.W": words.weight.grad}
    for name, grad in expected.items():
        np.testing.assert_allclose(grads[name], grad.numpy(), rtol=1e-6, atol=1e-12, err_msg=name)


# rows, clusters, calls

def test_padding_has_no_loss_and_no_gradient(layer, point):
    h, y = point
    keep = y != IGNORE_INDEX
    assert not keep.all()
    loss, grads = results(layer, h, y)
    assert not grads["h"][~keep].any()
    assert not layer.nll(h, y)[~keep].any()
    same_results((loss, {**grads, "h": grads["h"][keep]}), results(layer, h[keep], y[keep]))


def test_all_padding_gives_loss_zero_and_gradients_of_zero(layer, point):
    loss, grads = results(layer, point[0], np.full_like(point[1], IGNORE_INDEX))
    assert loss == 0
    assert not any(grad.any() for grad in grads.values())


def test_no_rows_give_loss_zero(layer):
    loss, grads = results(layer, np.zeros((0, 2, P)), np.zeros((0, 2), np.int64))
    assert (loss, grads["h"].shape) == (0, (0, 2, P))
    assert layer.nll(np.zeros((0, 2, P)), np.zeros((0, 2), np.int64)).shape == (0, 2)


@pytest.mark.parametrize("empty", range(len(CUTOFFS)))
def test_a_cluster_without_a_target_has_no_gradient_and_leaves_the_others_right(layer, point, empty):
    h, y = point
    y = np.where(layer.tails[empty].holds(y), IGNORE_INDEX, y)
    loss, grads = results(layer, h, y)
    for name, grad in grads.items():
        assert grad.any() != name.startswith(f"tails.{empty}."), name
    expected = formula(layer, h, y)
    close(layer.nll(h, y).reshape(-1), expected)
    assert loss == pytest.approx(sum(expected) / (y != IGNORE_INDEX).sum(), abs=ROUNDING)


def test_targets_only_in_the_head_are_a_full_softmax_over_its_entries(layer, point, rng):
    h, y = point[0], rng.integers(0, CUTOFFS[0], point[1].shape)
    loss, grads = results(layer, h, y)
    zero_grad(layer)
    expected, cache = layer.head.forward(h, y)
    assert loss == expected
    np.testing.assert_array_equal(grads["h"], layer.head.backward(1.0, cache))
    np.testing.assert_array_equal(grads["head.W"], layer.head.W.grad)


def test_a_row_costs_only_the_head_and_its_own_cluster(layer, point, monkeypatch):
    h, y = point
    rows = Counter()

    def counted(method):
        def call(self, h, y, *rng):
            rows[len(self.b.value), h.shape[-1]] += y.size
            return method(self, h, y, *rng)
        return call
    monkeypatch.setattr(Softmax, "forward", counted(Softmax.forward))
    monkeypatch.setattr(Softmax, "nll", counted(Softmax.nll))
    expected = {(9, P): y.size, (5, 4): ((y >= 6) & (y < 11)).sum(), (4, 2): ((y >= 11) & (y < 15)).sum(),
                (5, 1): (y >= 15).sum()}
    layer.forward(h, y)
    assert rows == expected
    rows.clear()
    layer.nll(h, y)
    assert rows == expected


@pytest.mark.parametrize(("rows", "kept"), [(1, 0), (2, 5), (3, 20), (16, 1 << 22)])
def test_the_size_of_a_softmax_chunk_changes_nothing(layer, point, monkeypatch, rows, kept):
    expected, nll = results(layer, *point), layer.nll(*point)
    monkeypatch.setattr(Softmax, "ROWS", rows)
    monkeypatch.setattr(Softmax, "KEPT", kept)
    same_results(results(layer, *point), expected)
    close(layer.nll(*point), nll)


def test_backward_scales_by_dloss_and_adds(layer, point):
    _, once = results(layer, *point)
    _, twice = results(layer, *point, dloss=2.0)
    _, cache = layer.forward(*point)
    dh = [layer.backward(2.0, cache) for _ in range(2)]
    named = parameters(layer)
    for name, grad in once.items():
        close(twice[name], 2 * grad)
        close(named[name].grad if name in named else dh[0] + dh[1] + 2 * grad, 6 * grad)     # 2, and 2 more, and 2


def test_a_layer_used_twice_before_backward_has_the_gradient_of_both_uses(layer, point, rng):
    one, other = point, (rng.normal(size=point[0].shape), rng.integers(0, V, point[1].shape))
    apart = [results(layer, *part)[1] for part in (one, other)]
    zero_grad(layer)
    caches = [layer.forward(*part)[1] for part in (one, other)]
    for k, cache in enumerate(caches):
        close(layer.backward(1.0, cache), apart[k]["h"])
    for name, p in parameters(layer).items():
        close(p.grad, apart[0][name] + apart[1][name])


def test_float32_stays_float32_and_agrees_with_float64(layer, point, rng):
    """Losses around 10 in 24 bits, 40 roundings of 6e-8: 2.4e-5."""
    narrow = random_layer(rng, dtype=np.float32)
    for name, p in parameters(narrow).items():
        p.value[...] = parameters(layer)[name].value
    h, y = point[0].astype(np.float32), point[1]
    loss, grads = results(narrow, h, y)
    assert {array.dtype for array in [*grads.values(), narrow.nll(h, y), narrow.log_probabilities(h)]} == {h.dtype}
    same_results((loss, grads), results(layer, *point), 3e-5)


def test_inputs_are_not_changed(layer, point):
    arrays = [*point, *(p.value for p in parameters(layer).values())]
    before = [array.copy() for array in arrays]
    results(layer, *point)
    layer.nll(*point)
    layer.log_probabilities(point[0])
    for one, other in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint64])
def test_targets_of_any_integer_dtype_are_the_same_targets(rng, kind):
    """Including dtypes that cannot hold the number of words."""
    layer = AdaptiveSoftmax(P, 600, cutoffs=(100, 300), rng=rng, dtype=np.float64)
    h, y = rng.normal(size=(30, P)), rng.integers(0, 127, 30)
    same_results(results(layer, h, y.astype(kind)), results(layer, h, y))


H, Y = np.zeros((4, 2, P)), np.zeros((4, 2), np.int64)


@pytest.mark.parametrize(("h", "y", "message"), [
    (np.zeros((4, 2, 2)), Y, "softmax input is float64(4, 2, 2), expected float64(4, 2, 8)"),
    (np.zeros((3, 2, P)), Y, "softmax input is float64(3, 2, 8), expected float64(4, 2, 8)"),
    (H.astype(np.float32), Y, "softmax input is float32(4, 2, 8), expected float64(4, 2, 8)"),
    (H, Y + V, "targets range from 20 to 20, expected -1 (padding) to 19"),
    (H, Y - 2, "targets range from -2 to -2, expected -1 (padding) to 19"),
    (H, Y + 0.5, "targets have dtype float64, expected whole numbers"),
])
@pytest.mark.parametrize("method", ["forward", "nll"])
def test_wrong_arguments_name_what_was_given_and_expected(layer, method, h, y, message):
    with pytest.raises(ValueError) as caught:
        getattr(layer, method)(h, y)
    assert str(caught.value) == message


# clusters and their widths

@pytest.mark.parametrize("cutoffs", [(), (0,), (20,), (21,), (6, 6), (11, 6), (6, 20), (-1, 6)], ids=str)
def test_cutoffs_that_do_not_fit_the_words_are_refused(rng, cutoffs):
    with pytest.raises(UserError) as caught:
        AdaptiveSoftmax(P, V, cutoffs=cutoffs, rng=rng)
    assert str(caught.value) == (f"cutoffs = {list(cutoffs)} with 20 words: expected rising word ids from 1 to 19: "
                                 "choose others, or set cutoffs = none")


def test_a_div_value_below_one_is_refused(rng):
    with pytest.raises(UserError, match="div_value = 0: expected a whole number of at least 1"):
        AdaptiveSoftmax(P, V, div_value=0, rng=rng)


@pytest.mark.parametrize(("div_value", "widths"), [(1, [8, 8, 8]), (2, [4, 2, 1]), (3, [2, 1, 1]), (4, [2, 1, 1]),
                                                   (10**30, [1, 1, 1])])
def test_a_cluster_reads_P_over_a_power_of_div_value_but_at_least_one_value(rng, div_value, widths):
    layer = AdaptiveSoftmax(P, V, cutoffs=CUTOFFS, div_value=div_value, rng=rng)
    assert [tail.projection.value.shape for tail in layer.tails] == [(P, width) for width in widths]
    assert [tail.softmax.W.value.shape for tail in layer.tails] == list(zip([5, 4, 5], widths, strict=True))
    assert layer.head.W.value.shape == (9, P)


def test_parameters_are_named_by_their_position(layer):
    assert list(parameters(layer)) == ["head.W", "head.b", *(
        f"tails.{i}.{name}" for i in range(3) for name in ("projection", "softmax.W", "softmax.b"))]


@pytest.mark.parametrize(("words", "cutoffs"), [(2, (1,)), (3, (1,)), (4, (2,)), (5, (1, 3)), (1000, (200, 600)),
                                                (10_000, (2000, 6000)), (100_000, (20_000, 60_000)),
                                                (267_735, (20_000, 60_000))])
def test_default_cutoffs_follow_the_number_of_words(rng, words, cutoffs):
    assert default_cutoffs(words) == cutoffs
    if words <= 1000:
        assert AdaptiveSoftmax(P, words, rng=rng).cutoffs == cutoffs


@pytest.mark.parametrize(("words", "cutoffs"), [(3, (1,)), (5, (1, 3)), (10_000, (2000, 6000)),
                                                (12_000, (2000, 7200)), (100_000, (2000, 10_000))])
def test_training_chooses_a_short_head(words, cutoffs):
    assert training_cutoffs(words) == cutoffs


def test_any_number_of_words_above_one_has_default_cutoffs_that_fit(rng):
    for words in range(2, 40):
        layer = AdaptiveSoftmax(2, words, rng=rng, dtype=np.float64)
        close(np.exp(layer.log_probabilities(np.ones(2))).sum(), 1.0, 1e-12)
    with pytest.raises(UserError, match=r"cutoffs = \[\] with 1 words"):
        AdaptiveSoftmax(2, 1, rng=rng)


# in a biLM

ADAPTIVE = {"softmax": "adaptive", "cutoffs": (3, 7), "div_value": 2}
WORDS = 11


def bilm(seed=0, **changes):
    config = BiLMConfig(**{"embedding_dim": 4, "hidden_dim": 6, "projection_dim": 4, **ADAPTIVE, **changes})
    return BiLM(config, WORDS, rng=np.random.default_rng(seed), dtype=np.float64)


@pytest.fixture
def batch(rng):
    sentences = [[0, *map(int, rng.integers(2, WORDS, n)), 1] for n in (5, 2, 7, 1, 4, 6, 3)]
    return next(stream_batches(sentences, 3, 6))


def gradients(model, batch):
    zero_grad(model)
    loss, _, cache = model.forward(batch)
    model.backward(1.0, cache)
    return loss, {name: p.grad.copy() for name, p in parameters(model).items()}


@pytest.mark.parametrize("embedding", [False, True])
def test_the_gradient_of_a_shared_softmax_is_the_sum_of_both_directions(batch, embedding):
    shared, apart = bilm(share_softmax=True, share_embedding=embedding), bilm(seed=1)
    named = parameters(shared)
    for name, p in parameters(apart).items():
        p.value[...] = named.get(name, named.get(name.replace("backward_lm", "forward_lm"))).value
    loss, found = gradients(shared, batch)
    expected_loss, expected = gradients(apart, batch)
    assert loss == expected_loss
    assert not any(name.startswith("backward_lm.softmax") for name in found)
    for name, grad in found.items():
        once = name.startswith("backward") or not ("softmax" in name or (embedding and "embedding" in name))
        other = 0 if once else expected[name.replace("forward_lm", "backward_lm")]
        close(grad, expected[name] + other, 1e-15)      # two values below 1, added in another order


def test_directions_that_share_a_softmax_accumulate_into_their_own_gradients(batch):
    model = bilm(share_softmax=True)
    forward, backward = (parameters(side.softmax) for side in (model.forward_lm, model.backward_lm))
    assert forward.keys() == backward.keys()
    for name, p in forward.items():
        assert p.value is backward[name].value
        assert not np.shares_memory(p.grad, backward[name].grad)
    gradients(model, batch)
    assert all(p.grad.any() for p in forward.values())
    assert not any(p.grad.any() for p in backward.values())     # it is brought home


def test_backward_twice_on_one_cache_of_a_bilm_doubles_the_gradient(batch):
    model = bilm(share_softmax=True)
    _, once = gradients(model, batch)
    zero_grad(model)
    _, _, cache = model.forward(batch)
    for _ in range(2):
        model.backward(1.0, cache)
    for name, p in parameters(model).items():
        close(p.grad, 2 * once[name], 1e-15)


def test_the_start_of_all_arrays_is_the_settings(batch):
    for name, p in parameters(bilm(init_scale=0.1)).items():
        assert 0 < np.abs(p.value).max() <= 0.1, name


def test_a_few_sentences_can_be_memorised():
    """Each has a first word of its own, from every part of the vocabulary: only that word is left to guess, at log 7
    over the 3 targets of a sentence."""
    sentences = [[0, word, 2 + 3 * k % 7, 1] for k, word in enumerate([2, 3, 4, 7, 8, 9, 10])]
    model = bilm(embedding_dim=16, hidden_dim=24, projection_dim=16, share_softmax=True)
    whole, = sentence_batches(sentences, len(sentences))
    optimizer = Adam(parameters(model), 0.02)
    for _ in range(150):
        loss, _ = gradients(model, whole)
        optimizer.step()
    assert loss.forward == pytest.approx(math.log(7) / 3, abs=0.02)
    assert loss.backward == pytest.approx(math.log(7) / 3, abs=0.02)


# in a run

@pytest.mark.parametrize("shared", ["false", "true"])
def test_a_trained_model_can_be_loaded_from_its_file(tmp_path, shared):
    elmo = run(tmp_path, "softmax=adaptive", "cutoffs=[8, 20]", f"share_softmax={shared}", "epochs=1")
    again = ELMo.load(tmp_path / "model.safetensors")
    assert again.model.config == elmo.model.config
    assert again.model.config.cutoffs == (8, 20)
    named = parameters(elmo)
    assert ("model.backward_lm.softmax.tails.1.projection" in named) == (shared == "false")
    for name, p in parameters(again).items():
        np.testing.assert_array_equal(p.value, named[name].value)
    assert evaluate(again.model, again.vocabulary, CORPUS[:30]) == evaluate(elmo.model, elmo.vocabulary, CORPUS[:30])


@pytest.mark.parametrize(("before", "after", "message"), [
    ('"cutoffs":[8,20]', '"cutoffs":[8,20,30]', "found float32(10, 8) for model.forward_lm.softmax.head.W"),
    ('"cutoffs":[8,20]', '"cutoffs":[8,21]', "tails.0.softmax.W, expected float32(13, 2)"),
    ('"cutoffs":[8,20]', '"cutoffs":[8,2000]',
     "found float32(12, 2) for model.forward_lm.softmax.tails.0.softmax.W"),
    ('"div_value":4', '"div_value":1', "found float32(8, 2) for model.forward_lm.softmax.tails.0.projection, expected"),
    ('"softmax":"adaptive"', '"softmax":"full"', "found nothing for model.forward_lm.softmax.W, expected"),
])
def test_a_file_whose_settings_and_clusters_disagree_is_refused(tmp_path, before, after, message):
    run(tmp_path, "softmax=adaptive", "cutoffs=[8, 20]", "epochs=1", corpus=CORPUS[:40], valid=CORPUS[40:50])
    tensors, metadata = checkpoint.load(tmp_path / "model.safetensors")
    assert before in metadata["model"]
    metadata["model"] = metadata["model"].replace(before, after)
    checkpoint.save(tmp_path / "model.safetensors", tensors, metadata)
    with pytest.raises(UserError) as caught:
        ELMo.load(tmp_path)
    assert message in str(caught.value)


def test_training_halves_the_perplexity_and_both_ways_of_reading_it_agree(tmp_path):
    elmo = run(tmp_path, "softmax=adaptive", "epochs=3")
    assert isinstance(elmo.model.forward_lm.softmax, AdaptiveSoftmax)
    found = evaluate(elmo.model, elmo.vocabulary, CORPUS[:30])
    assert found.geometric_mean < len(elmo.vocabulary) / 2
    for state in "carry", "reset":
        found = evaluate(elmo.model, elmo.vocabulary, CORPUS[:10], state=state)
        nats, before = 0.0, None
        for sentence in CORPUS[:10]:
            ids = np.array(elmo.vocabulary.encode(sentence))
            outputs, before, _ = elmo.model.forward_lm.encode(ids[:-1, None], before if state == "carry" else None)
            log_p = elmo.model.forward_lm.softmax.log_probabilities(outputs[-1][:, 0])
            nats -= float(log_p[np.arange(len(ids) - 1), ids[1:]].sum(dtype=np.float64))
        assert found.forward_nats == pytest.approx(nats, rel=1e-5)


def test_words_of_a_built_vocabulary_are_in_the_order_that_the_clusters_need(tmp_path):
    counts = run(tmp_path, "epochs=1").vocabulary.counts[len(SPECIAL_TOKENS):]
    assert counts == sorted(counts, reverse=True)


def test_cutoffs_beyond_the_vocabulary_of_a_corpus_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match=r"cutoffs = \[8, 5000\] with \d+ words: expected rising word ids from 1 to"):
        run(tmp_path / "out", "softmax=adaptive", "cutoffs=[8, 5000]")
    assert not (tmp_path / "out").exists()
