"""parameter: values with gradients, the rows that may differ from zero, and the names of all parameters."""

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import (
    Parameter,
    accumulators,
    load_state_dict,
    parameters,
    sha256,
    shared_copy,
    zero_grad,
)


class Layer:
    def __init__(self, **held):
        vars(self).update(held)

    def backward(self):
        pass


@pytest.fixture
def table():
    return Parameter(np.arange(10.0).reshape(5, 2), by_rows=True)


def test_a_gradient_starts_at_zero_with_the_shape_and_precision_of_its_value():
    p = Parameter(np.ones((2, 3), np.float32))
    assert (p.grad.shape, p.grad.dtype) == ((2, 3), np.float32)
    assert not p.grad.any()


def test_it_prints_its_shape_and_precision():
    assert repr(Parameter(np.ones((2, 3), np.float32))) == "Parameter(2, 3) float32"


def test_nonzero_rows_are_all_where_any_row_may_differ():
    assert Parameter(np.ones((2, 3))).nonzero_rows() is ...


def test_nonzero_rows_are_none_before_the_first_word(table):
    assert table.grad[table.nonzero_rows()].shape == (0, 2)


def test_nonzero_rows_names_every_row_once_in_order(table):
    table.rows += [np.array([3, 1, 3]), np.array([0, 1])]
    np.testing.assert_array_equal(table.nonzero_rows(), [0, 1, 3])


@pytest.mark.parametrize("shape", [(2, 3), (4,), ()])
def test_zero_grad_clears_the_whole_gradient(shape):
    p = Parameter(np.ones(shape))
    p.grad[...] = 1
    p.zero_grad()
    assert not p.grad.any()


def test_zero_grad_of_rows_clears_those_and_forgets_them(table):
    table.grad[[1, 3]], table.rows = 1, [np.array([3, 1])]
    table.zero_grad()
    assert not table.grad.any()
    assert table.rows == []


def test_zero_grad_of_rows_leaves_the_others_alone(table):
    """That is what makes it cheap: they are zero already by contract."""
    table.grad[...], table.rows = 1, [np.array([3])]
    table.zero_grad()
    np.testing.assert_array_equal(table.grad[:, 0], [1, 1, 1, 0, 1])


def test_a_shared_copy_has_the_same_value_and_its_own_gradient(table):
    other = table.shared_copy()
    assert other.value is table.value
    assert not np.shares_memory(other.grad, table.grad)
    other.rows.append(np.array([1]))
    assert table.rows == []


def test_reduce_grad_adds_the_gradient_of_the_copy_and_clears_it(table):
    other = table.shared_copy()
    table.grad[1], table.rows = 1, [np.array([1])]
    other.grad[[1, 2]], other.rows = 5, [np.array([2, 1])]
    table.reduce_grad(other)
    np.testing.assert_array_equal(table.grad[:, 0], [0, 6, 5, 0, 0])
    np.testing.assert_array_equal(table.nonzero_rows(), [1, 2])
    assert not other.grad.any()
    assert other.rows == []


@pytest.mark.parametrize("shape", [(3, 1), (3,), ()])
def test_reduce_grad_of_dense_gradients_adds_all(shape):
    p = Parameter(np.ones(shape))
    other = p.shared_copy()
    p.grad[...], other.grad[...] = 1, 2
    p.reduce_grad(other)
    np.testing.assert_array_equal(p.grad, np.full(shape, 3))
    assert not other.grad.any()


@pytest.mark.parametrize("dense", ["first", "second"])
def test_reduce_grad_forgets_the_rows_where_one_side_has_none(table, dense):
    other = table.shared_copy()
    (table if dense == "first" else other).rows = None
    other.grad[...] = 2
    if dense == "first":
        other.rows.append(np.arange(5))
    table.reduce_grad(other)
    assert table.nonzero_rows() is ...
    np.testing.assert_array_equal(table.grad, np.full((5, 2), 2))


def test_parameters_are_named_by_their_path_in_the_order_of_assignment():
    a, b, c, d = (Parameter(np.ones(k)) for k in range(1, 5))
    model = Layer(first=a, inner=Layer(Wx=b), layers=[Layer(W=c), Layer(W=d)], width=3, name="x", nothing=None)
    assert list(parameters(model).items()) == [("first", a), ("inner.Wx", b), ("layers.0.W", c), ("layers.1.W", d)]
    assert list(parameters(model, "m.")) == ["m.first", "m.inner.Wx", "m.layers.0.W", "m.layers.1.W"]


def test_a_parameter_shared_by_two_places_is_listed_once_under_the_first_name():
    p = Parameter(np.ones(2))
    assert parameters(Layer(one=Layer(W=p), two=Layer(W=p), three=[Layer(W=p)])) == {"one.W": p}


def test_a_value_that_two_parameters_share_is_listed_once():
    p = Parameter(np.ones(2))
    assert parameters(Layer(one=Layer(W=p), two=Layer(W=p.shared_copy()))) == {"one.W": p}


def test_equal_values_that_are_not_shared_are_listed_apart():
    assert len(parameters(Layer(one=Parameter(np.ones(2)), two=Parameter(np.ones(2))))) == 2


def test_zero_grad_of_a_model_clears_every_parameter():
    a, b = Parameter(np.ones(2)), Parameter(np.ones(2))
    a.grad[...] = b.grad[...] = 1
    zero_grad(Layer(a=a, layers=[Layer(b=b)]))
    assert not a.grad.any()
    assert not b.grad.any()


def test_a_value_is_contiguous_so_that_an_update_reaches_it():
    p = Parameter(np.ones((3, 4), np.float32).T)
    assert p.value.flags.c_contiguous
    with pytest.raises(ValueError, match="dtype float16: expected float32 or float64"):
        Parameter(np.ones(3, np.float16))


def test_accumulators_are_written_after_a_zero_grad_and_added_to_otherwise():
    p = Parameter(np.zeros(3))
    p.grad += 1
    [array], add = accumulators([p])
    assert add
    assert array is p.grad
    p.zero_grad()
    [array], add = accumulators([p])
    assert not add
    array[...] = 7
    np.testing.assert_array_equal(p.grad, [7, 7, 7])


def test_accumulators_of_which_one_holds_something_are_all_added_to():
    one, other = Parameter(np.zeros(2)), Parameter(np.zeros(2))
    one.grad += 5
    other.grad += 5
    other.zero_grad()
    arrays, add = accumulators([one, other])
    assert add
    np.testing.assert_array_equal(arrays, [[5, 5], [0, 0]])


def test_a_gradient_after_zero_grad_is_zero_until_it_is_written():
    p = Parameter(np.zeros(3))
    p.grad += 1
    p.zero_grad()
    p.grad[1] += 2
    np.testing.assert_array_equal(p.grad, [0, 2, 0])
    p.zero_grad()
    p.grad += 3
    np.testing.assert_array_equal(p.grad, [3, 3, 3])
    p.zero_grad()
    p.grad = np.ones(3)
    np.testing.assert_array_equal(p.grad, [1, 1, 1])


SHARING = {
    "nothing shared": {},
    "all shared and tied": {"share_embedding": True, "share_softmax": True, "tie": True, "embedding_dim": 4},
    "characters": {"char_filters": [[1, 4], [2, 3]], "share_embedding": True, "share_softmax": True},
    "adaptive, tied": {"softmax": "adaptive", "cutoffs": [3, 5], "share_embedding": True, "share_softmax": True,
                       "tie": True},
    "adaptive": {"softmax": "adaptive", "cutoffs": [3, 5], "share_embedding": True, "share_softmax": True},
    "small starts": {"init_scale": 0.05},
}


@pytest.mark.parametrize("sharing", SHARING.values(), ids=SHARING)
def test_a_model_without_drawn_values_has_the_same_parameters_and_takes_those_of_another_without_a_copy(rng, sharing):
    config = BiLMConfig(**{"embedding_dim": 6, "hidden_dim": 4, "layers": 2, **sharing})
    drawn, blank = BiLM(config, 9, rng=rng), BiLM(config, 9, rng=None)
    values = {name: p.value for name, p in parameters(drawn).items()}
    mine = parameters(blank)
    assert list(mine) == list(values)
    assert all(p.value.shape == values[name].shape and p.value.dtype == np.float32 for name, p in mine.items())
    load_state_dict(blank, values)
    assert list(parameters(blank)) == list(values)              # shared parameters are still shared, and listed once
    for name, p in parameters(blank).items():
        assert p.value is values[name]
    assert (blank.backward_lm.embedding.E.value is blank.forward_lm.embedding.E.value) == config.share_embedding


def test_values_for_only_some_of_the_parameters_are_refused():
    layer = Layer(W=Parameter(np.ones(2)), b=Parameter(np.ones(3)))
    with pytest.raises(KeyError):
        load_state_dict(layer, {"W": np.zeros(2)})
    assert layer.W.value.all()


def test_shared_copies_of_layers_have_the_same_values_and_one_copy_per_parameter():
    p = Parameter(np.ones(2))
    uses = {}
    one, other = shared_copy(Layer(W=p), uses), shared_copy(Layer(inner=Layer(W=p)), uses)
    assert one.W is other.inner.W is not p
    assert one.W.value is p.value
    one.W.grad += 3
    home, use = uses[id(p)]
    home.reduce_grad(use)
    np.testing.assert_array_equal(p.grad, [3, 3])


def test_the_hash_of_a_model_tells_names_shapes_and_values_apart():
    layers = [Layer(W=Parameter(np.ones(4))), Layer(V=Parameter(np.ones(4))), Layer(W=Parameter(np.ones((2, 2)))),
              Layer(W=Parameter(np.ones(4, np.float32))), Layer(W=Parameter(np.array([1, 1, 1, 2.0])))]
    assert len({sha256(layer) for layer in layers}) == 5
    assert sha256(layers[0]) == sha256(Layer(W=Parameter(np.ones(4))))
