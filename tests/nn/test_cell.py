"""cell: every kind of cell that can be chosen keeps the contract on which the rest of the package relies."""

from copy import deepcopy

import numpy as np
import pytest

from elmo_np.config.cells import CELLS, Kind
from elmo_np.config.schema import BiLMConfig
from elmo_np.nn.cell import Cell, cell_class, masked
from elmo_np.nn.parameter import parameters, zero_grad

pytestmark = pytest.mark.usefixtures("each_backend")

T, B, D, H = 6, 4, 3, 5
LENGTHS = np.array([6, 0, 3, 1])
# Some 20 roundings of 1.1e-16 per step of values around 1, 6 steps, and sums over 24 steps and sequences.
ROUNDING = 1e-13
CONFIG = BiLMConfig(hidden_dim=H)


def made(name, rng, dtype=np.float64):
    layer = cell_class(name).of_config(BiLMConfig(cell=name, hidden_dim=H), D, rng=rng, dtype=dtype)
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape)
    return layer


@pytest.fixture(params=CELLS)
def layer(request, rng):
    return made(request.param, rng)


def some_state(layer, rng, B=B):
    return tuple(rng.normal(size=zeros.shape) for zeros in layer.zero_state(B))


def gradients(layer):
    return {name: p.grad.copy() for name, p in parameters(layer).items()}


def both_close(ones, others, atol=ROUNDING):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", CELLS)
def test_the_shapes_that_a_file_is_compared_with_are_those_of_the_layer(name, rng):
    config = BiLMConfig(cell=name, hidden_dim=H)
    own = {key: p.value.shape for key, p in parameters(made(name, rng)).items() if p.value.ndim == 2}
    assert cell_class(name).shapes(config, D) == own
    assert own["Wx"][0] == D


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_is_of_the_dtype_asked_for_and_drawn_or_only_allocated(name, dtype, rng):
    kind, config = cell_class(name), BiLMConfig(cell=name, hidden_dim=H)
    drawn, blank = (kind.of_config(config, D, rng=r, dtype=dtype) for r in (rng, None))
    for p in [*parameters(drawn).values(), *parameters(blank).values()]:
        assert p.value.dtype == dtype
    assert drawn.Wx.value.any()
    assert not blank.Wx.value.any()


def test_the_state_has_a_row_per_sequence_and_its_first_array_is_as_wide_as_the_output(layer, rng):
    y, state, _ = layer.forward(rng.normal(size=(T, B, D)))
    assert len(state) == len(layer.STATE)
    assert layer.STATE[0] == "h"
    for array, zeros in zip(state, layer.zero_state(B), strict=True):
        assert (array.shape, array.dtype, len(array)) == (zeros.shape, zeros.dtype, B)
        assert not zeros.any()
    np.testing.assert_array_equal(state[0], y[-1])


def test_no_state_is_a_state_of_zeros_and_no_dstate_likewise(layer, rng):
    x, dy = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))
    y, state, cache = layer.forward(x)
    other, after, _ = layer.forward(x, layer.zero_state(B))
    equal((y, *state), (other, *after))
    dx, dstate = layer.backward(dy, cache)
    dother, dafter = layer.backward(dy, cache, layer.zero_state(B))
    equal((dx, *dstate), (dother, *dafter))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_inference_equals_forward(layer, rng, lengths):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    y, after, _ = layer.forward(x, state, lengths)
    found, end = layer.forward_inference(x, state, lengths)
    both_close((found, *end), (y, *after))


def test_one_call_equals_two_with_the_state_carried_forward_and_backward(layer, rng):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    dy, dend = rng.normal(size=(T, B, H)), some_state(layer, rng)
    y, end, cache = layer.forward(x, state)
    dx, dstart = layer.backward(dy, cache, dend)
    whole = gradients(layer)
    zero_grad(layer)
    y1, middle, first = layer.forward(x[:2], state)
    y2, after, second = layer.forward(x[2:], middle)
    dx2, dmiddle = layer.backward(dy[2:], second, dend)
    dx1, dbefore = layer.backward(dy[:2], first, dmiddle)
    both_close((np.concatenate([y1, y2]), *after), (y, *end))
    both_close((np.concatenate([dx1, dx2]), *dbefore), (dx, *dstart))
    both_close(gradients(layer).values(), whole.values())


def test_a_sequence_alone_equals_the_same_sequence_in_a_padded_batch(layer, rng):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    y, end, _ = layer.forward(x, state, LENGTHS)
    for b, n in enumerate(LENGTHS):
        alone, after, _ = layer.forward(x[:n, b:b+1], tuple(s[b:b+1] for s in state))
        both_close((y[:n, b:b+1], *(s[b:b+1] for s in end)), (alone, *after))
        assert not y[n:, b].any()


def test_padding_after_a_sequences_end_changes_nothing_and_has_no_gradient(layer, rng):
    x, dy = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))
    past = np.arange(T)[:, None] >= LENGTHS
    results = []
    for filling in 0, 1e3:
        zero_grad(layer)
        x[past] = dy[past] = filling
        y, state, cache = layer.forward(x, None, LENGTHS)
        dx, dstate = layer.backward(dy, cache)
        assert not dx[past].any()
        results.append([y, *state, dx, *dstate, *gradients(layer).values()])
    equal(*results)


def test_an_empty_sequence_passes_its_state_on_and_the_gradient_of_it_back(layer, rng):
    state, dend = some_state(layer, rng), some_state(layer, rng)
    _, end, cache = layer.forward(rng.normal(size=(T, B, D)), state, LENGTHS)
    _, dstart = layer.backward(rng.normal(size=(T, B, H)), cache, dend)
    equal([s[1] for s in (*end, *dstart)], [s[1] for s in (*state, *dend)])


def test_gradients_accumulate_over_caches_in_any_order(layer, rng):
    xs, dys = rng.normal(size=(2, T, B, D)), rng.normal(size=(2, T, B, H))
    alone = []
    for x, dy in zip(xs, dys, strict=True):
        zero_grad(layer)
        layer.backward(dy, layer.forward(x)[2])
        alone.append(gradients(layer))
    zero_grad(layer)
    caches = [layer.forward(x)[2] for x in xs]
    for k in 1, 0:
        layer.backward(dys[k], caches[k])
    both_close(gradients(layer).values(), [one + two for one, two in zip(*(a.values() for a in alone), strict=True)])


def test_inputs_are_not_changed(layer, rng):
    x, state, dy, dstate = rng.normal(size=(T, B, D)), some_state(layer, rng), rng.normal(size=(T, B, H)), \
        some_state(layer, rng)
    given = [x, *state, dy, *dstate, LENGTHS, *(p.value for p in parameters(layer).values())]
    before = deepcopy(given)
    layer.forward_inference(x, state, LENGTHS)
    *_, cache = layer.forward(x, state, LENGTHS)
    kept = deepcopy(cache)
    layer.backward(dy, cache, dstate)
    equal([*given, *cache], [*before, *kept])


@pytest.mark.parametrize("name", CELLS)
def test_a_row_does_not_depend_on_the_others_bit_for_bit_in_the_kernel(name, rng, each_backend):
    if each_backend == "numpy":
        pytest.skip("a BLAS picks its algorithm by matrix shape")
    layer = made(name, rng, np.float32)
    x = rng.normal(size=(T, 9, D)).astype(np.float32)
    y, _ = layer.forward_inference(x)
    for b in range(9):
        np.testing.assert_array_equal(layer.forward_inference(x[:, b:b+1])[0][:, 0], y[:, b])


@pytest.mark.parametrize(("steps", "sequences"), [(0, 2), (3, 0), (0, 0), (1, 1)])
def test_empty_input_is_not_an_error(layer, steps, sequences):
    y, _, cache = layer.forward(np.ones((steps, sequences, D)))
    dx, _ = layer.backward(np.ones_like(y), cache)
    assert (y.shape, dx.shape) == ((steps, sequences, H), (steps, sequences, D))
    assert layer.forward_inference(np.ones((steps, sequences, D)))[0].shape == y.shape


X = np.zeros((4, 3, D))


@pytest.mark.parametrize(("arguments", "message"), [
    ((np.zeros((4, 3, 4)),), "input is float64(4, 3, 4), expected float64(4, 3, 3)"),
    ((X.astype(np.float32),), "input is float32(4, 3, 3), expected float64(4, 3, 3)"),
    ((X, None, np.array([4, 5, 1])), "lengths are [4 5 1], expected 3 whole numbers from 0 to 4"),
])
def test_a_wrong_argument_is_refused_before_a_kernel_reads_it(layer, arguments, message):
    for method in layer.forward, layer.forward_inference:
        with pytest.raises(ValueError) as caught:
            method(*arguments)
        assert str(caught.value) == f"{type(layer).__name__} {message}"


def test_a_wrong_state_is_refused_by_its_name(layer, rng):
    _, _, cache = layer.forward(X)
    for k, name in enumerate(layer.STATE):
        state = [*layer.zero_state(3)]
        state[k] = np.zeros((2, H))
        with pytest.raises(ValueError, match=rf"state {name} is float64\(2, 5\), expected float64\(3, 5\)"):
            layer.forward(X, tuple(state))
        with pytest.raises(ValueError, match=rf"state gradient {name} is float64\(2, 5\), expected float64\(3, 5\)"):
            layer.backward(np.zeros((4, 3, H)), cache, tuple(state))


def test_a_class_may_be_listed_itself_and_one_that_lacks_a_method_cannot_be_made(monkeypatch):
    class Half(Cell):
        STATE = ("h",)
    monkeypatch.setitem(CELLS, "half", Kind(Half))
    assert cell_class("half") is Half
    with pytest.raises(TypeError, match="abstract"):
        Half()


def test_outputs_past_the_end_are_zero_and_whole_sequences_are_not_copied():
    y = np.ones((3, 2, 4))
    assert masked(y, np.array([3, 3])) is y
    np.testing.assert_array_equal(masked(y, np.array([1, 3]))[:, :, 0], [[1, 1], [0, 1], [0, 1]])
