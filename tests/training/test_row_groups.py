"""Groups of rows: together they are the batch, and each depends on nothing but its own rows."""

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig, TrainConfig
from elmo_np.config.toml_files import from_json, to_json
from elmo_np.data.batches import stream_batches
from elmo_np.errors import UserError
from elmo_np.inference.encoder import arrays_of
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import parameters, zero_grad
from elmo_np.training.processes import OneProcess
from elmo_np.training.row_groups import RowGroups, Step
from tests.training_helpers import CORPUS, contents, run

V = 9
SENTENCES = [[0, *np.random.default_rng(k).integers(3, V, 2 + k % 5).tolist(), 1] for k in range(20)]


def groups_of(model, number, process=None):
    config = TrainConfig(batch_size=max(number, 5), groups=number)
    return RowGroups(model, parameters(model), config, process or OneProcess())


def one_of(rank, number):
    process = OneProcess()
    process.rank, process.number = rank, number
    return process


def found(model, groups, batch, state, dloss=1.7):
    zero_grad(model)
    loss, after = groups.gradient(Step(batch, dloss, epoch=1, number=3), state)
    return loss, after, {name: p.grad.copy() for name, p in parameters(model).items()}


@pytest.mark.parametrize("settings", [{}, {"direction": "backward"}, {"share_embedding": True, "share_softmax": True},
                                      {"tie": True}, {"softmax": "adaptive"}])
@pytest.mark.parametrize("number", [2, 8])      # of 5 rows: 3 of 8 groups have none
def test_the_groups_of_a_batch_add_up_to_its_loss_and_gradient(each_backend, rng, settings, number):
    model = BiLM(BiLMConfig(embedding_dim=4, hidden_dim=4, **settings), V, rng=rng, dtype=np.float64)
    first, batch, *_ = stream_batches(SENTENCES, 5, 6)
    state = model.forward(first)[1]
    loss, after, cache = model.forward(batch, state)
    zero_grad(model)
    model.backward(1.7, cache)
    whole = {name: p.grad.copy() for name, p in parameters(model).items()}
    own_loss, own_after, gradients = found(model, groups_of(model, number), batch, state)
    assert own_loss.total == pytest.approx(loss.total)
    for one, other in zip(arrays_of(own_after), arrays_of(after), strict=True):
        np.testing.assert_allclose(one, other)
    for name, gradient in whole.items():
        np.testing.assert_allclose(gradients[name], gradient, atol=1e-12, err_msg=name)


def test_a_process_computes_the_bits_of_its_groups_from_their_states_alone(rng):
    config = BiLMConfig(embedding_dim=4, hidden_dim=4, dropout=0.3, softmax="sampled", samples=3)
    model = BiLM(config, V, rng=rng)
    first, batch, *_ = stream_batches(SENTENCES, 5, 6)
    state = model.forward(first, None, (rng, rng))[1]
    _, after, _ = found(model, groups_of(model, 4), batch, state)
    parts = []
    for rank in range(2):
        groups = groups_of(model, 4, one_of(rank, 2))
        own = groups.own_rows(state)
        assert len(arrays_of(own)[0]) == (2, 3)[rank]
        parts.append(found(model, groups, batch, own)[1])
    for whole, *pieces in zip(arrays_of(after), *map(arrays_of, parts), strict=True):
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_dropout_depends_on_the_step_and_the_group_and_on_nothing_before(rng):
    model = BiLM(BiLMConfig(embedding_dim=4, hidden_dim=4, dropout=0.5), V, rng=rng)
    batch = next(stream_batches([SENTENCES[3]] * 8, 4, 6))     # the same sentence in every row
    groups = groups_of(model, 4)

    def loss(epoch, number):
        zero_grad(model)
        return groups.gradient(Step(batch, 1.0, epoch, number), None)[0].total
    each = [loss(1, 0), loss(1, 1), loss(2, 0)]
    assert len({*each}) == 3
    assert each == [loss(1, 0), loss(1, 1), loss(2, 0)]
    rows = [model.forward(batch.rows(groups.rows(k, 4)), None, groups.random(Step(batch, 1.0, 1, 0), k))[0].total
            for k in range(4)]
    assert len({*rows}) == 4


def test_a_run_in_groups_has_the_same_bytes_after_a_stop_and_on_any_number_of_threads(tmp_path, each_backend):
    settings = ["groups=2", "dropout=0.2", "softmax=sampled", "samples=20", "save_every=5"]
    corpus = CORPUS[:100]
    run(tmp_path / "one", *settings, "epochs=2", "threads=1", corpus=corpus)
    run(tmp_path / "two", *settings, "epochs=1", "threads=2", corpus=corpus)
    run(tmp_path / "two", *settings, "epochs=2", "threads=1", corpus=corpus, resume=True)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    for name in "model.safetensors", "last.safetensors":
        assert one[name] == two[name]
    with pytest.raises(UserError, match="the run began with groups = 2, now it is 4: resume with the same value"):
        run(tmp_path / "two", *settings, "groups=4", "epochs=3", corpus=corpus, resume=True)


@pytest.mark.parametrize(("groups", "batch_size"), [(3, 8), (6, 8), (16, 8), (0, 8)])
def test_groups_are_a_power_of_two_and_no_more_than_rows(groups, batch_size):
    with pytest.raises(UserError, match="groups = ") as error:
        TrainConfig(groups=groups, batch_size=batch_size)
    assert "expected" in str(error.value)


def test_settings_without_groups_mean_one():
    assert "groups" not in to_json(TrainConfig())
    assert from_json(TrainConfig, "{}").groups == 1
