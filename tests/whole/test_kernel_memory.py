"""The kernels' arrays lie in memory that is used again, and never while somebody still holds it."""

import gc
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.nn.softmax import softmax_forward

if backend.backend() == "numpy":
    pytest.skip(backend.why_not(), allow_module_level=True)

R, P, V = 32, 8, 500


def logits(seed):
    """A (V, R) array that a kernel made."""
    rng = np.random.default_rng(seed)
    h, W = (rng.normal(size=shape).astype(np.float32) for shape in ((R, P), (V, P)))
    return softmax_forward.compiled(h, rng.integers(0, V, R), W, np.zeros(V, np.float32), True)[3]


def test_arrays_that_are_held_do_not_share_memory():
    held = [logits(seed) for seed in range(5)]
    for k, one in enumerate(held):
        assert not any(np.shares_memory(one, other) for other in held[:k])
        np.testing.assert_array_equal(one, logits(k))


def test_a_view_keeps_the_memory_of_its_array():
    view = logits(0)[3:5]
    before = view.copy()
    for seed in range(1, 5):
        logits(seed)
    np.testing.assert_array_equal(view, before)


def test_memory_is_used_again_once_its_last_array_is_gone():
    addresses = set()
    for seed in range(20):
        addresses.add(logits(seed).ctypes.data)
        gc.collect()
    assert len(addresses) < 10


def test_arrays_begin_on_a_cache_line():
    assert all(logits(seed).ctypes.data % 64 == 0 for seed in range(3))


def test_many_sizes_do_not_keep_memory_for_ever():
    """More blocks, and more bytes, than are kept: what is over is given back, and nothing breaks."""
    rng = np.random.default_rng(0)
    for n in range(1, 200):
        h, W = rng.normal(size=(n, 1)), rng.normal(size=(40, 1))
        z = softmax_forward.compiled(h, np.zeros(n, np.int64), W, np.zeros(40), True)[3]
        np.testing.assert_allclose(z, W @ h.T, rtol=1e-13)


def test_a_limit_gives_back_what_is_over_it_and_ends_with_its_body():
    before = backend._kernels.memory_limit(160 << 20)
    try:
        with backend.memory_limit(0):
            assert backend._kernels.memory_limit(0) == 0
            np.testing.assert_array_equal(logits(3), logits(3))
        assert backend._kernels.memory_limit(160 << 20) == 160 << 20
    finally:
        backend._kernels.memory_limit(before)


def test_threads_that_make_and_drop_arrays_at_once_get_their_own():
    expected = [logits(seed) for seed in range(4)]

    def work(seed):
        return all(np.array_equal(logits(seed), expected[seed]) for _ in range(100))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has an interpreter lock")
def test_the_kernels_leave_the_interpreter_lock_off():
    code = "import sys; from elmo_np import _kernels; print(sys._is_gil_enabled())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
