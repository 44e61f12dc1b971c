"""layers: every layer of one direction has a check at which its branches are active."""

import numpy as np

from elmo_np.gradient_checks import CASES


def made(name):
    return CASES[name](np.random.default_rng(0))


def test_the_words_of_an_earlier_step_have_no_gradient():
    grads = made("embedding, after a step with other words").grads["E"]
    assert not grads[[1, 3]].any()
    assert grads[[0, 2, 4]].all()


def test_one_lstm_case_has_more_rows_than_the_kernel_takes_at_a_time():
    T, B, _ = made("lstm, more steps than the kernel takes at a time").arrays["x"].shape
    assert T * B > 128 > B
    assert T % (128 // B) != 0          # the last block is a part of one


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
