"""checks: an array of another shape or dtype, or an id out of range, is refused with what it is."""

import numpy as np
import pytest

from elmo_np.nn.checks import check_array, check_ids, check_sizes


def test_the_right_array_and_ids_pass():
    check_array("x", np.zeros((2, 3), np.float32), (2, 3), np.float32)
    check_ids("ids", np.array([[0, 4]], np.uint16), 5)
    check_ids("targets", np.array([-1, 4]), 5, lowest=-1)
    check_ids("ids", np.empty(0, int), 5)


@pytest.mark.parametrize(("shape", "dtype", "found"), [
    ((3, 2), np.float32, "float32(3, 2)"), ((2,), np.float32, "float32(2,)"), ((2, 3), np.float64, "float64(2, 3)"),
])
def test_another_shape_or_dtype_is_refused(shape, dtype, found):
    with pytest.raises(ValueError) as caught:
        check_array("LSTM input", np.zeros(shape, dtype), (2, 3), np.dtype(np.float32))
    assert str(caught.value) == f"LSTM input is {found}, expected float32(2, 3)"


@pytest.mark.parametrize(("ids", "lowest", "message"), [
    ([1.0], 0, "ids have dtype float64, expected whole numbers"),
    ([True], 0, "ids have dtype bool, expected whole numbers"),
    ([0, 5], 0, "ids range from 0 to 5, expected 0 to 4"),
    ([-1, 3], 0, "ids range from -1 to 3, expected 0 to 4"),
    ([-2, 3], -1, "ids range from -2 to 3, expected -1 (padding) to 4"),
])
def test_ids_that_are_not_whole_numbers_or_out_of_range_are_refused(ids, lowest, message):
    with pytest.raises(ValueError) as caught:
        check_ids("ids", np.array(ids), 5, lowest)
    assert str(caught.value) == message


def test_a_size_is_a_whole_number_of_at_least_1():
    check_sizes("layer", D=1, H=np.int64(3), P=10**30)
    for size in 0, -1, 1.0, np.float32(2), True, None, "3", np.nan, [3], -10**5000:
        with pytest.raises(ValueError, match=r"layer: H = .*, expected a whole number of at least 1$"):
            check_sizes("layer", D=1, H=size)
