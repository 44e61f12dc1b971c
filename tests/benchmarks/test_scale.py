"""What a step on several processes costs: the simulation against closed formulas, and the page that it fills."""


import csv
import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


import scale
import scale_model
import scale_pieces
from scale_model import FLOAT, INDEX, Network, Pieces, Table, Workload

from elmo_np.config.toml_files import preset, replaced
from elmo_np.errors import UserError

LINK = Network("link", latency=1e-3, bandwidth=1e6)
DENSE = Workload("dense", dense=1000, tables=(), messages=5, batch=64, steps=10, words=100)
SPARSE = Workload("sparse", dense=10, tables=(Table(1, 6),), messages=5, batch=64, steps=10, words=1000)
PIECES = Pieces(group=0.5, row=0.25, take=1e-5, add=1e-6, update=0.125)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Models that are measured in no time."""
    small = replaced(preset("small"), embedding_dim=4, hidden_dim=4, batch_size=4, steps=5)
    characters = replaced(small, char_filters=((1, 4),), char_dim=2, max_characters=9, softmax="sampled", samples=8,
                          share_softmax=True, share_embedding=True)
    chosen = {"small": small, "fast": small, "elmo": characters}
    monkeypatch.setattr(scale_pieces, "models", lambda: {name: scale_pieces.Model(settings, 50, (1, 2))
                                                         for name, settings in chosen.items()})
    monkeypatch.setattr(scale, "models", scale_pieces.models)


@pytest.mark.parametrize(("processes", "groups"), [(1, 1), (1, 8), (2, 8), (8, 8), (64, 64)])
@pytest.mark.parametrize("work", [DENSE, SPARSE], ids=lambda work: work.name)
def test_with_equal_processes_the_simulation_is_the_formula(work, processes, groups):
    g, tokens = groups // processes, 640 // groups
    levels = round(math.log2(processes))
    sizes = [work.bytes_of(tokens, g * 2**level) for level in range(levels)]
    computing = g * (0.5 + 0.25 * 64 / groups)
    local = (g * 1e-5 + (g - 1) * 1e-6) * work.bytes_of(tokens, 1) if groups > 1 else 0
    exchanging = sum(5 * 1e-3 + size / 1e6 + 1e-6 * size for size in sizes)
    found = scale_model.step(work, PIECES, LINK, processes, groups)
    assert found.seconds == pytest.approx(computing + local + exchanging + 0.125)
    assert found.exchanging == pytest.approx(exchanging)
    assert found.sent == pytest.approx(sum(sizes))


def test_a_dense_gradient_is_sent_log2_n_times():
    found = scale_model.step(DENSE, PIECES, LINK, 16, 16)
    assert found.sent == 4 * FLOAT * 1000


@pytest.mark.parametrize("late", range(8))
def test_one_slow_process_delays_all(late):
    ready = [1.0] * 8
    ready[late] = 4.0
    assert scale_model.simulate(ready, lambda distance: 0.5) == [5.5] * 8
    # Before the last exchange, the other half has not heard of it.
    assert sorted(scale_model.simulate(ready[late // 4 * 4:][:4], lambda distance: 0.5)) == [5.0] * 4


def test_exchanges_may_differ_by_distance():
    assert scale_model.simulate([0.0] * 4, {1: 0.25, 2: 2.0}.__getitem__) == [2.25] * 4
    assert scale_model.simulate([3.0], lambda distance: 1 / 0) == [3.0]


def test_unequal_processes_take_longer_the_more_there_are():
    noisy = Pieces(group=1.0, row=0.0, take=0.0, add=0.0, update=0.0, spread=0.1)
    quiet = Network("quiet", 0.0, math.inf)
    one, two, many = (scale_model.step(DENSE, noisy, quiet, N, N).seconds for N in (1, 2, 64))
    assert one == 1.0
    assert 1.03 < two < 1.09 < many < 1.3       # the mean of the larger of two is 0.56 deviations above, of 64 2.4


def test_gathering_gradients_saves_exchanges_and_updates():
    every = scale_model.step(DENSE, PIECES, LINK, 4, 4)
    fourth = scale_model.step(DENSE, PIECES, LINK, 4, 4, gathered=4)
    assert fourth.exchanging == pytest.approx(every.exchanging / 4)
    assert fourth.sent == pytest.approx(every.sent / 4)
    own = FLOAT * 1000
    assert fourth.seconds == pytest.approx((0.5 + 0.25 * 16) + (4 * 1e-5 + 3 * 1e-6) * own / 4
                                           + (every.exchanging + 0.125) / 4)


def test_the_knee_is_where_half_of_the_speed_is_lost():
    """With T(N) = 1 / N + log2(N) e, the efficiency is 1 / (1 + N log2(N) e): one half at N log2(N) = 1 / e."""
    work = Workload("w", dense=0, tables=(), messages=1, batch=1024, steps=1, words=10)
    pieces = Pieces(group=0.0, row=1 / 1024, take=0.0, add=0.0, update=0.0)
    for processes in (4, 16, 64):
        e = 1 / (processes * math.log2(processes))
        assert scale_model.knee(scale_model.strong(work, pieces, Network("n", 0.99 * e, 1.0))) == processes
        assert scale_model.knee(scale_model.strong(work, pieces, Network("n", 1.01 * e, 1.0))) == processes // 2


def test_rows_are_those_that_text_of_zipfs_law_has():
    words, tokens = 500, 400
    rng = np.random.default_rng(0)
    p = scale_model.frequencies(words)
    assert p.sum() == pytest.approx(1)
    counted = np.mean([len(np.unique(rng.choice(words, tokens, p=p))) for _ in range(200)])
    assert scale_model.distinct(words, tokens) == pytest.approx(counted, rel=0.02)
    assert scale_model.distinct(words, scale_model.tries(words, 90)) == pytest.approx(90)
    one, both = Table(2, 3, samples=90), Table(2, 3, samples=90, sides=2)
    assert 90 < one.rows(words, 40, 1) < both.rows(words, 40, 1) < both.rows(words, 40, 4) < words
    sampled = Workload("s", dense=5, tables=(one, Table(1, 7)), messages=1, batch=8, steps=5, words=words)
    sparse = (FLOAT * 3 + 2 * INDEX) * one.rows(words, 40, 2), (FLOAT * 7 + INDEX) * scale_model.distinct(words, 80)
    assert sampled.bytes_of(40, 2) == pytest.approx(FLOAT * 5 + sum(sparse))


# What is measured


@pytest.fixture
def pieces(monkeypatch, capsys):
    """What scale_pieces.py measures of a tiny model, as scale.py reads it."""
    def measured(name, *options):
        assert scale_pieces.main([name, "--seconds", "0", *options]) == 0
        return scale.Found.of(json.loads(capsys.readouterr().out))
    return measured


def test_a_models_gradient_is_what_its_parameters_say(pieces):
    found = pieces("small")
    H, D, V = 4, 4, 53
    layer = 2 * D * 4 * H + 4 * H
    assert found.work.dense == 2 * (2 * layer + V * H + V)
    assert found.work.tables == (Table(2, 2 * D),)
    assert found.work.messages == 2 * (2 * 3 + 2) + 2 * 2 + 2
    assert found.link is None
    sampled = pieces("elmo")
    assert sampled.work.tables == (Table(2, H + 1, samples=8, sides=2),)
    for piece in (found.pieces, sampled.pieces):
        assert min(piece.take, piece.add, piece.update) > 0


def test_the_page_has_every_model_network_and_change(pieces):
    each = {name: pieces(name, "--threads", "2") for name in scale.models()}
    text = scale.page(each, "| a |", "| b |", Network("this machine", 1e-6, 2e9))
    assert "\n\n| a |\n" in text
    assert "\n\n| b |\n" in text
    assert "a message takes 1.0 microseconds, and\n2.00 GB per second" in text
    assert text.count("1 Gbit/s Ethernet") == 3 * len(each)
    assert all(change in text for change in ("as it is", "batches 8 times as large", "exchange after every 8 batches"))
    assert "{" not in text
    original = scale.original_size(each["elmo"])
    assert f"{FLOAT * (each['elmo'].work.dense + scale.ORIGINAL_WORDS * 5) / 1e6:,.0f} MB" in original


def test_processes_that_share_a_core_take_turns():
    link = Network("here", 0.0, 1e30)
    pieces = Pieces(group=1.0, row=0.0, take=0.0, add=0.0, update=0.5)
    by_busy = {1: scale.Found(DENSE, pieces, None), 2: scale.Found(DENSE, pieces.slower(1.5), link)}
    assert [scale.predicted(by_busy, N).seconds for N in (1, 2, 4)] == [4.5, 3.75, 4.5]


def test_where_training_on_processes_is_unknown_nothing_is_compared(monkeypatch, tmp_path):
    monkeypatch.setitem(scale.FIELDS, "train", {})
    assert scale.comparison(scale.Progress(quiet=True), 0.0) == "This version does not train on several processes."


def test_two_processes_are_compared_with_two_threads(monkeypatch):
    commands = []

    def output(command):
        commands.append(" ".join(command))
        out = Path(command[command.index("--out") + 1])
        out.mkdir()
        seconds = 8 if command[2] == "2" else 6 if "groups=2" in command else 4
        rows = [f"{step},{seconds * step / 10}" for step in (0, 10, 20)]
        (out / "metrics.csv").write_text("\n".join(["split,step,seconds", *(f"train,{row}" for row in rows), ""]))
    monkeypatch.setattr(scale, "output", output)
    monkeypatch.setattr(scale.metrics, "read", lambda path: [*csv.DictReader(path.read_text().splitlines())])
    *_, small, fast = scale.processes_or_threads(scale.Progress(quiet=True)).splitlines()
    assert [cell.strip() for cell in small.split("|")[1:-1]] == ["small", "800.0", "600.0", "400.0", "0.75, 0.50"]
    assert fast.split()[1] == "fast"
    assert [("-n 2 " in one, "threads=2" in one, "groups=1" in one) for one in commands[:3]] == [
        (True, False, False), (False, True, False), (False, True, True)]


def test_a_command_that_fails_is_one_line():
    with pytest.raises(UserError, match=r"ended with 3: of its own"):
        scale.output([sys.executable, "-c", "import sys; print('of its own', file=sys.stderr); sys.exit(3)"])


def test_without_a_launcher_there_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert scale.main([]) == 2
    assert "error: mpiexec, the launcher of an MPI library, is not installed" in capsys.readouterr().err


def test_two_processes_measure_what_connects_them():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if shutil.which("mpiexec") is None:
        pytest.skip("mpiexec, a launcher of MPI, is not installed")
    found = scale.measured("small", 2, 1, 0.0)
    assert found.link.latency > 0
    assert found.link.bandwidth > 1e6
