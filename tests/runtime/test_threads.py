"""Threads: two give the same results as one, and an error in either is raised."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
import warnings
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor as Pool

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.batches import stream_batches
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import parameters
from elmo_np.runtime import threads as parallel
from elmo_np.runtime.threads import blas, both, each, one_blas_thread, threads
from tests.embedding_helpers import SENTENCES, of_characters, of_words

NUMBERS = pytest.mark.parametrize("number", [1, 2])


@NUMBERS
def test_both_results_come_in_the_order_of_the_calls(number):
    with threads(number):
        assert both(lambda: "first", lambda: 2) == ("first", 2)


def test_two_threads_run_side_by_side():
    meeting = threading.Barrier(2, timeout=20)      # a party that waits alone breaks it
    with threads(2):
        both(meeting.wait, meeting.wait)


def test_one_thread_is_the_callers_own():
    with threads(1):
        assert set(both(threading.get_ident, threading.get_ident)) == {threading.get_ident()}


def test_several_threads_may_ask_for_both_at_once(monkeypatch):
    """The first of them makes the pool, which serves all: each thread has its own results."""
    monkeypatch.setattr(parallel, "_pool", None)
    made = []
    monkeypatch.setattr(futures, "ThreadPoolExecutor", lambda *words, **names: made.append(1) or Pool(*words, **names))
    with threads(2), Pool(4) as askers:
        found = list(askers.map(lambda k: both(lambda: k, lambda: -k), range(100)))
    assert found == [(k, -k) for k in range(100)]
    assert made == [1]


@NUMBERS
@pytest.mark.parametrize("place", [0, 1])
def test_an_error_in_either_direction_is_raised(number, place):
    def fails():
        raise ZeroDivisionError("here")
    calls = [lambda: 1, lambda: 2]
    calls[place] = fails
    with threads(number):
        with pytest.raises(ZeroDivisionError, match="here"):
            both(*calls)
        assert both(lambda: 1, lambda: 2) == (1, 2)     # and the next call is none the worse


def test_an_error_is_raised_after_the_other_direction_has_ended():
    ended = []

    def fails():
        raise ZeroDivisionError

    def slow():
        time.sleep(0.05)
        ended.append(True)
    with threads(2), pytest.raises(ZeroDivisionError):
        both(fails, slow)
    assert ended == [True]


def test_the_number_of_threads_is_restored_also_after_an_error():
    before = parallel._threads
    with threads(3 - before):
        assert parallel._threads == 3 - before
    assert parallel._threads == before
    with pytest.raises(ZeroDivisionError), threads(3 - before):
        raise ZeroDivisionError
    assert parallel._threads == before


def blas_threads():
    """NumPy's: other packages may bring a BLAS of their own."""
    blas_pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return [pool["num_threads"] for pool in blas_pools if "numpy" in pool["filepath"]]


@pytest.fixture
def two_blas_threads():
    """The tests run with one."""
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.mark.usefixtures("two_blas_threads")
def test_blas_has_one_thread_inside_and_its_own_number_after():
    before = blas_threads()
    with one_blas_thread():
        assert set(blas_threads()) <= {1}
    assert blas_threads() == before


@pytest.mark.usefixtures("two_blas_threads")
def test_blas_has_its_own_number_again_when_the_last_thread_is_done():
    """Each thread used to restore what it had found: one, where another was inside."""
    before, entered, left = blas_threads(), threading.Event(), threading.Event()
    seen = []

    def first():
        with one_blas_thread():
            entered.set()
            left.wait(20)
            seen.append(blas_threads())

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait(20)
    second = one_blas_thread()
    with second:                    # entered inside the first, and left before it
        assert set(blas_threads()) == {1}
    with one_blas_thread():         # entered inside the first, and left after it
        left.set()
        thread.join()
        assert set(blas_threads()) == {1}
    assert {*map(tuple, seen)} == {(1,) * len(before)}
    assert blas_threads() == before


LATE = """
import threading, time
from elmo_np.runtime.threads import both, threads

def late():
    threading.main_thread().join()
    time.sleep(0.2)
    with threads(2):
        print(both(lambda: "one", lambda: "two"))

both(lambda: 1, lambda: 2)
threading.Thread(target=late).start()
"""


def test_a_thread_that_outlives_the_main_one_computes_too():
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("('one', 'two')\n", "")


def test_blas_is_named():
    assert blas()


@NUMBERS
def test_both_directions_see_numpys_error_settings(number):
    with threads(number), np.errstate(over="raise", divide="ignore"):
        first, second = both(np.geterr, np.geterr)
    assert first == second
    assert (second["over"], second["divide"]) == ("raise", "ignore")


@pytest.mark.parametrize("shared", [False, True])
def test_one_and_two_threads_give_the_same_bits(shared, each_backend):
    config = BiLMConfig(embedding_dim=16, hidden_dim=32, projection_dim=16, layers=2, share_embedding=shared,
                        share_softmax=shared, dropout=0.2)
    rng = np.random.default_rng(0)
    sentences = [[0, *map(int, rng.integers(2, 50, n)), 1] for n in rng.integers(1, 12, 30)]
    found = []
    for number in 1, 2, 2:
        model = BiLM(config, 50, rng=np.random.default_rng(1))
        with threads(number):
            state, bits = None, []
            for batch in stream_batches(sentences, 4, 7):
                loss, state, cache = model.forward(batch, state, (np.random.default_rng(2), np.random.default_rng(3)))
                model.backward(1.0, cache)
                bits += [loss, *(array.tobytes() for side in state for pair in side for array in pair)]
        found.append([bits, *(p.grad.tobytes() for p in parameters(model).values())])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("made", [of_words, of_characters])
def test_sentences_have_the_same_vectors_on_one_and_two_threads(made, each_backend):
    found = []
    for number in 1, 2:
        with threads(number):
            found.append(made().embed(SENTENCES))
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_made_by_fork_computes_too():
    """The pool's thread stays behind in the parent: a child that waited for it would wait for ever."""
    assert parallel.both(lambda: 1, lambda: 2) == (1, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)     # Python 3.12 on: this process has more than one thread
        child = multiprocessing.get_context("fork").Process(target=parallel.both, args=(int, int))
        child.start()
    child.join(20)
    assert child.exitcode == 0


@pytest.mark.parametrize("number", [1, 2])
def test_each_gives_its_results_in_the_order_of_the_items(number):
    with threads(number):
        assert each(lambda n: n * n, [3, 1, 2, 5, 4], lambda n: n) == [9, 1, 4, 25, 16]
        assert each(lambda n: n, [], lambda n: n) == []


def test_each_shares_the_items_out_by_size():
    """The largest on one thread, the three that weigh as much on the other."""
    where = {}

    def note(size):
        where[size] = threading.get_ident()
        time.sleep(0.01)
    with threads(2):
        each(note, [1, 2, 6, 3], lambda size: size)
    assert where[1] == where[2] == where[3] != where[6]


def test_an_error_in_one_of_each_is_raised():
    def fail(n):
        if n == 2:
            raise ValueError("two")
    with threads(2), pytest.raises(ValueError, match="two"):
        each(fail, [1, 2, 3], lambda n: n)
