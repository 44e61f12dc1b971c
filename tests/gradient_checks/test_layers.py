"""layers: every layer of one direction has a check at which its branches are active."""

import re

import numpy as np
import pytest

from elmo_np.config.cells import CELLS, Kind
from elmo_np.gradient_checks import CASES, layers, run
from elmo_np.nn.cell import cell_class
from elmo_np.nn.gru import GRU
from elmo_np.tutorial import kernel_source


def made(name):
    return CASES[name](np.random.default_rng(0))


def test_the_words_of_an_earlier_step_have_no_gradient():
    grads = made("embedding, after a step with other words").grads["E"]
    assert not grads[[1, 3]].any()
    assert grads[[0, 2, 4]].all()


@pytest.mark.parametrize("name", CELLS)
def test_every_kind_of_cell_starts_from_a_state_and_has_sequences_of_unequal_length(name):
    case = made(f"{name}, sequences of unequal length")
    assert {"x", "Wx", *(f"{array}0" for array in cell_class(name).STATE)} <= set(case.arrays)
    assert not case.grads["x"][:, 1].any()          # a sequence without steps
    assert case.grads["h0"][1].all()
    assert f"biLM of {name} cells, two layers, residual connections, dropout" in CASES


def test_a_cell_that_is_added_gets_its_checks_and_a_bug_in_it_is_caught(monkeypatch):
    class Wrong(GRU):
        def backward(self, dy, cache, dstate=None):
            dx, (dh,) = super().backward(dy, cache, dstate)
            return dx, (2 * dh,)
    before = dict(CASES)
    monkeypatch.setitem(CELLS, "wrong", Kind(Wrong))
    layers.cases_of_kind("wrong")
    added = [name for name in CASES if name not in before]
    wrong = {name: [row.array for row in run(name) if not row.ok()] for name in added}
    for name in added:
        del CASES[name]
    assert list(wrong) == ["wrong", "wrong, sequences of unequal length",
                           "wrong, more steps than the kernel takes at a time"]
    assert all(arrays == ["h0"] for arrays in wrong.values())


@pytest.mark.parametrize("name", CELLS)
def test_one_case_of_a_cell_has_more_rows_than_the_kernel_takes_at_a_time(name):
    T, B, _ = made(f"{name}, more steps than the kernel takes at a time").arrays["x"].shape
    assert T * B > 128 > B
    assert T % (128 // B) != 0          # the last block is a part of one


def constant(name, file):
    """A size in the source of a kernel."""
    return int(re.search(rf"\b{name}\b(?: =)? (\d+)", kernel_source(file))[1])


def test_the_large_cases_have_more_than_one_block_of_every_loop_of_the_kernels():
    panel = 4 * 64 // 8         # columns: four vectors of 64 bytes, the widest, in float64
    cells, _ = made("lstm, more cells than the kernel takes at a time").arrays["Wp"].shape
    assert 4 * cells > constant("K_BLOCK", "matmul.h")
    assert cells > panel / 4
    words = made("softmax, more words than the kernel takes at a time").arrays
    assert len(words["b"]) > constant("WORDS", "softmax.h")
    assert len(words["b"]) > constant("DZ_WORDS", "softmax.h")
    assert words["h"].shape[0] * words["h"].shape[1] > panel
    filters = made("characters, more filters than the kernel takes at a time").arrays["Wp"]
    assert len(filters) > constant("K_BLOCK", "matmul.h")
    assert len(made("characters, more values than the kernel takes at a time").arrays["bp"]) > panel


def test_layers_at_padding_are_compared_and_have_no_gradient():
    case = made("layer mix of normalised layers, with padding")
    dlayers = case.grads["layers"]
    assert not dlayers[:, 3, 1:].any()
    assert dlayers[:, 0].all()
    assert list(case.arrays) == ["layers", "w", "gamma"]


def test_both_backward_calls_of_a_case_count_half():
    """The loss of the word vector is linear in W, so its gradient is known: r^T h."""
    case = made("word vector W h_bi + b")
    assert {name: grad.shape for name, grad in case.grads.items()} == {
        name: array.shape for name, array in case.arrays.items()}
    db = case.grads["b"]
    before = case.loss()
    case.arrays["b"][...] += 1
    np.testing.assert_allclose(case.loss() - before, db.sum(), rtol=0, atol=1e-13)      # losses around 10
