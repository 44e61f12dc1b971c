"""matmul: the product with its bias, of transposed views too, and rows that do not depend on each other."""

import numpy as np
import pytest

from elmo_np.nn.matmul import matmul

pytestmark = pytest.mark.usefixtures("each_backend")


def test_a_product_by_hand():
    A, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 0.0, -1.0])
    B = np.array([[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]])
    np.testing.assert_array_equal(matmul(A, B), [[21, 24, 27], [47, 54, 61]])
    np.testing.assert_array_equal(matmul(A, B, b), [[22, 24, 26], [48, 54, 60]])
    np.testing.assert_array_equal(matmul(A.T, B), [[29, 33, 37], [42, 48, 54]])
    np.testing.assert_array_equal(matmul(A, A.T), [[5, 11], [11, 25]])


def test_without_anything_to_sum_the_bias_is_left():
    np.testing.assert_array_equal(matmul(np.zeros((2, 0)), np.zeros((0, 3)), np.arange(3.0)), [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(matmul(np.zeros((2, 0)), np.zeros((0, 3))), np.zeros((2, 3)))


def test_a_row_has_the_same_bits_among_any_others(rng, each_backend):
    if each_backend == "numpy":
        pytest.skip("a BLAS rounds by the shape of the product")
    A, B = rng.normal(size=(70, 300)).astype(np.float32), rng.normal(size=(300, 90)).astype(np.float32)
    whole = matmul(A, B)
    for row in 0, 13, 69:
        np.testing.assert_array_equal(matmul(A[row:row + 1], B)[0], whole[row])
