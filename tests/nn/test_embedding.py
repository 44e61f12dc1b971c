"""embedding: a vector is a row, and its gradient is added to that row."""

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.nn.embedding import Embedding
from elmo_np.nn.parameter import Parameter

pytestmark = pytest.mark.usefixtures("each_backend")

IDS = np.array([[0, 2, 2], [4, 0, 2]])


@pytest.fixture
def layer(rng):
    return Embedding(5, 3, rng=rng, dtype=np.float64)


def test_the_vector_of_a_word_is_its_row(layer):
    x, _ = layer.forward(IDS)
    assert x.shape == (2, 3, 3)
    for t in range(2):
        for b in range(3):
            np.testing.assert_array_equal(x[t, b], layer.E.value[IDS[t, b]])


def test_the_vectors_are_a_copy(layer):
    before = layer.E.value.copy()
    x, _ = layer.forward(IDS)
    x += 1
    np.testing.assert_array_equal(layer.E.value, before)


def test_the_gradient_of_a_row_is_the_sum_over_its_occurrences(layer, rng):
    dx = rng.normal(size=(2, 3, 3))
    layer.backward(dx, layer.forward(IDS)[1])
    expected = np.zeros((5, 3))
    for t in range(2):
        for b in range(3):
            expected[IDS[t, b]] += dx[t, b]
    np.testing.assert_array_equal(layer.E.grad, expected)       # the same sums in the same order


def test_a_second_backward_adds(layer, rng):
    dx = rng.normal(size=(2, 3, 3))
    _, cache = layer.forward(IDS)
    layer.backward(dx, cache)
    once = layer.E.grad.copy()
    layer.backward(dx, cache)
    np.testing.assert_allclose(layer.E.grad, 2 * once, rtol=0, atol=1e-15 * 10)     # six values around 1 in each sum


def test_the_rows_that_may_differ_from_zero_are_the_words_that_occurred(layer):
    layer.backward(np.ones((2, 3, 3)), layer.forward(IDS)[1])
    np.testing.assert_array_equal(layer.E.nonzero_rows(), [0, 2, 4])
    layer.backward(np.ones((1, 1, 3)), layer.forward(np.array([[3]]))[1])
    np.testing.assert_array_equal(layer.E.nonzero_rows(), [0, 2, 3, 4])
    layer.E.zero_grad()
    assert layer.E.nonzero_rows().size == 0
    assert not layer.E.grad.any()


def test_the_gradient_need_not_be_contiguous_and_is_left_alone(layer, rng):
    dx = rng.normal(size=(3, 3, 2)).T
    before = dx.copy()
    layer.backward(dx, layer.forward(IDS)[1])
    from_a_view = layer.E.grad.copy()
    layer.E.zero_grad()
    layer.backward(np.ascontiguousarray(dx), layer.forward(IDS)[1])
    np.testing.assert_array_equal(from_a_view, layer.E.grad)
    np.testing.assert_array_equal(dx, before)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_ids_may_be_of_any_integer_dtype(layer, dtype):
    x, cache = layer.forward(IDS.astype(dtype))
    np.testing.assert_array_equal(x, layer.forward(IDS)[0])
    layer.backward(np.ones_like(x), cache)
    np.testing.assert_array_equal(layer.E.grad[:, 0], [2, 0, 3, 0, 1])


@pytest.mark.parametrize(("ids", "message"), [
    (np.array([[0, 5]]), "word ids range from 0 to 5, expected 0 to 4"),
    (np.array([[-1, 2]]), "word ids range from -1 to 2, expected 0 to 4"),
    (np.array([[0.0, 1.0]]), "word ids have dtype float64, expected whole numbers"),
    (np.array([[True]]), "word ids have dtype bool, expected whole numbers"),
])
def test_the_message_for_wrong_ids_states_what_was_given_and_expected(layer, ids, message):
    with pytest.raises(ValueError) as caught:
        layer.forward(ids)
    assert str(caught.value) == message


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_no_words_are_no_error(layer, shape):
    x, cache = layer.forward(np.zeros(shape, np.int64))
    assert x.shape == (*shape, 3)
    layer.backward(x, cache)
    assert not layer.E.grad.any()


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 2), (2, 2, 3)])
def test_a_gradient_of_another_shape_is_refused_before_a_kernel_writes_past_a_row(layer, shape):
    _, cache = layer.forward(IDS)
    # On NumPy: the check comes before either backend, and without it a kernel could end the whole test run.
    with backend.use("numpy"), pytest.raises(ValueError, match="expected"):
        layer.backward(np.ones(shape), cache)


def test_the_start_is_uniform_within_a_tenth(rng):
    """The maximum of 10,000 uniform values is within 1 % of the bound but for a chance of 0.99^10,000 = 2e-44; their
    mean is 0 +- 0.1 / sqrt(3 * 10,000) = 5.8e-4, five of which are 3e-3."""
    E = Embedding(100, 100, rng=rng).E.value
    assert E.dtype == np.float32
    assert 0.099 < np.abs(E).max() <= np.float32(0.1)
    assert abs(E.mean()) < 3e-3


def test_a_given_table_is_used_as_it_is(rng):
    table = Parameter(np.ones((5, 3)))
    assert Embedding(5, 3, rng=rng, table=table).E is table
