"""types: an Array is a NumPy array of any number of axes and any dtype."""

import typing

import numpy as np

from elmo_np.nn import dropout
from elmo_np.types import Array


def test_it_is_numpys_array_of_any_dtype():
    assert typing.get_origin(Array) is np.ndarray
    _, dtype = typing.get_args(Array)
    assert typing.get_args(dtype) == (typing.Any,)


def test_signatures_resolve_to_it():
    assert typing.get_type_hints(dropout.dropout_forward)["x"] == Array
