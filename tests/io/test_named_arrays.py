"""named_arrays: what any file of arrays must state before memory is allocated for it."""

import io
from typing import NamedTuple

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io.named_arrays import NamedArrays


class Stated(NamedTuple):
    shape: tuple
    dtype: object
    nbytes: int

    def __str__(self):
        return f"{self.dtype}{self.shape}"


class InMemory(NamedArrays):
    """Arrays that a file of 24 bytes would hold."""

    def __init__(self, **arrays):
        super().__init__("a file", io.BytesIO())
        self.arrays = arrays

    def find(self, name):
        array = self.arrays.get(name)
        if array is None:
            return None
        return Stated(array.shape, array.dtype if array.dtype.kind == "f" else None, array.nbytes)

    def read(self, name, found):
        return self.arrays[name]

    def size(self):
        return 24


ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_an_array_of_an_expected_shape_is_taken_as_native_float32_or_float64():
    for dtype, expected in ("<f2", "=f4"), (">f4", "=f4"), ("<f8", "=f8"):
        with InMemory(W=ARRAY.astype(dtype)) as file:
            file.expect("W", (3, 2), (2, 3))
            found = file.take("W")
        assert file._file.closed
        assert found.dtype == np.dtype(expected)
        np.testing.assert_array_equal(found, ARRAY)


@pytest.mark.parametrize(("array", "found"), [
    (None, "nothing"), (ARRAY[0], r"float32\(3,\)"), (ARRAY.astype(int), r"None\(2, 3\)")])
def test_anything_else_is_refused(array, found):
    file = InMemory(**({} if array is None else {"W": array}))
    with pytest.raises(UserError, match=rf"^a file: found {found} for W, expected float32\(2, 3\): are these the"):
        file.expect("W", (2, 3))


def test_more_arrays_than_there_is_room_for_are_refused():
    file = InMemory(W=ARRAY, V=ARRAY)
    file.expect("W", (2, 3))
    file.expect_room()
    file.expect("V", (2, 3))
    with pytest.raises(UserError, match="a file has 24 bytes but claims arrays of at least 48"):
        file.expect_room()


def test_an_array_more_than_the_options_ask_for_is_refused():
    file = InMemory(W=ARRAY)
    file.expect_none("V", "n_layers")
    with pytest.raises(UserError, match="a file has W, which is more than n_layers of the options file asks for"):
        file.expect_none("W", "n_layers")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e300])
def test_a_value_that_float32_does_not_hold_is_refused(value):
    with pytest.raises(UserError, match="a file: W holds a value that is not finite in float32"):
        InMemory(W=np.array([1, value])).take("W")


def test_the_largest_values_of_float32_are_taken():
    edges = np.array([-1, 1], np.float32) * np.finfo(np.float32).max
    np.testing.assert_array_equal(InMemory(W=edges).take("W"), edges)
