"""What a step on several processes costs: the model against closed formulas, its pieces, and the page that it fills."""


import json
import math
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


import scale
import scale_model
import scale_page
import scale_pieces
import scale_steps
from scale_model import FLOAT, INDEX, Network, Pieces, Step, Table, Workload
from scale_page import Compared, Way
from scale_steps import Run

from elmo_np.config.toml_files import preset, replaced
from elmo_np.errors import UserError
from elmo_np.nn.bilm import BiLM
from elmo_np.training import gradient_sum, row_groups, trainer
from elmo_np.training.processes import OneProcess

LINK = Network("link", latency=1e-3, bandwidth=1e6)
DENSE = Workload("dense", dense=1000, tables=(), messages=5, batch=64, steps=10, words=100)
SPARSE = Workload("sparse", dense=10, tables=(Table(1, 6),), messages=5, batch=64, steps=10, words=1000)
PIECES = Pieces(group=0.5, row=0.25, copy=1e-5, add=1e-6, update=0.125, between=0.25, batch=0.5)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Models that are measured in no time."""
    small = replaced(preset("small"), embedding_dim=4, hidden_dim=4, batch_size=4, steps=5)
    characters = replaced(small, char_filters=((1, 4),), char_dim=2, max_characters=9, softmax="sampled", samples=8,
                          share_softmax=True, share_embedding=True)
    chosen = {"small": small, "fast": small, "elmo": characters}
    for module in (scale, scale_steps):
        monkeypatch.setattr(module, "models", lambda: {name: scale_steps.Model(settings, 50, (1, 2))
                                                       for name, settings in chosen.items()})


@pytest.mark.parametrize(("processes", "groups"), [(1, 1), (1, 8), (2, 8), (8, 8), (64, 64)])
@pytest.mark.parametrize("work", [DENSE, SPARSE], ids=lambda work: work.name)
def test_with_equal_processes_a_step_is_the_formula(work, processes, groups):
    g, tokens = groups // processes, 640 // groups
    levels = round(math.log2(processes))
    sizes = [work.bytes_of(tokens, g * 2**level) for level in range(levels)]
    computing = g * (0.5 + 0.25 * 64 / groups)
    local = ((g + 1) * 1e-5 + (g - 1) * 1e-6) * work.bytes_of(tokens, 1) if groups > 1 else 0
    exchanging = sum(5 * 1e-3 + size / 1e6 + 1e-6 * size for size in sizes)
    found = scale_model.step(work, PIECES, LINK, processes, groups)
    assert found.seconds == pytest.approx(computing + local + exchanging + 0.125 + (0.25 + 0.5 * 64))
    assert found.exchanging == pytest.approx(exchanging)
    assert found.sent == pytest.approx(sum(sizes))


def test_a_dense_gradient_is_sent_log2_n_times():
    found = scale_model.step(DENSE, PIECES, LINK, 16, 16)
    assert found.sent == 4 * FLOAT * 1000


def test_the_slowest_of_many_is_later():
    """Expected maxima of 2, 4 and 8 standard normal values; Teichroew 1956, table I."""
    found = [scale_model.latest(processes) for processes in (1, 2, 4, 8)]
    assert found == pytest.approx([0, 0.56419, 1.02938, 1.42360], rel=0.03)


def test_unequal_processes_take_longer_the_more_there_are():
    noisy = Pieces(group=1.0, row=0.0, copy=0.0, add=0.0, update=0.0, spread=0.1)
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
    assert fourth.seconds == pytest.approx((0.5 + 0.25 * 16) + (5 * 1e-5 + 3 * 1e-6) * own / 4
                                           + (every.exchanging + 0.125) / 4 + every.between)


def test_the_knee_is_where_half_of_the_speed_is_lost():
    """With T(N) = 1 / N + log2(N) e, the efficiency is 1 / (1 + N log2(N) e): one half at N log2(N) = 1 / e."""
    work = Workload("w", dense=0, tables=(), messages=1, batch=1024, steps=1, words=10)
    pieces = Pieces(group=0.0, row=1 / 1024, copy=0.0, add=0.0, update=0.0)
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


def run_of(work, pieces, link, way, rows):
    """What scale_steps.py prints on a machine that is as the model says."""
    step = scale_model.step(replace(work, batch=way.groups * rows), pieces, link, way.processes, way.groups)
    return Run(work, way.processes, way.groups, rows, step, pieces.spread * step.computing / math.sqrt(way.groups))


def printed(run):
    return json.dumps({**run._asdict(), "work": asdict(run.work), "step": asdict(run.step)})


@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("work", [DENSE, SPARSE], ids=lambda work: work.name)
def test_the_pieces_of_two_runs_are_those_that_they_are_made_of(work, processes):
    pieces, link = replace(PIECES, spread=0.1), Network("this machine", 0.0, 1e5)
    way = Way(processes, 1, 2 * processes)
    found = scale_pieces.found([Run.of(json.loads(printed(run_of(work, pieces, link, way, rows)))) for rows in (4, 16)])
    assert found.work == work
    assert asdict(found.pieces) == pytest.approx(asdict(pieces))
    assert asdict(found.link) == pytest.approx(asdict(scale_pieces.NOBODY if processes == 1 else link))


def test_the_last_to_exchange_does_not_wait():
    steps = [{"computing": 4, "copying": 1, "adding": 1, "exchanging": 3, "updating": 1, "step": 11},
             {"computing": 6, "copying": 1, "adding": 1, "exchanging": 3, "updating": 1, "step": 13}]
    other = [{"computing": 6, "copying": 1, "adding": 1, "exchanging": 1, "updating": 1, "step": 11},
             {"computing": 4, "copying": 1, "adding": 1, "exchanging": 5, "updating": 1, "step": 13}]
    step, varies = scale_steps.mean_step([steps, other])
    assert step == Step(computing=5, copying=1, adding=1, waiting=1, exchanging=2, updating=1, between=1)
    assert varies == 1


def test_a_clock_stops_when_the_time_is_up(monkeypatch):
    now = iter(range(1000))
    monkeypatch.setattr(scale_steps.time, "perf_counter", lambda: next(now))
    clock = scale_steps.Clock(OneProcess(), seconds=20)
    compute = clock.timed("computing", lambda a, b: a - b)

    def steps():                # each begins, computes twice and ends: 5 seconds
        while True:
            assert compute(5, b=3) == 2
            compute(1, 1)
            clock.step_ends(None)
    with pytest.raises(scale_steps.Done):
        steps()
    assert len(clock.steps) == scale_steps.WARM + 4
    assert clock.steps[-1] == {**dict.fromkeys(scale_steps.PARTS, 0.0), "computing": 2, "step": 5}


@pytest.fixture
def timed(capsys):
    """Steps of a tiny model, as scale.py reads them."""
    def run(name, *options, rows=1):
        assert scale_steps.main([name, "--groups", "2", "--rows", str(rows), "--seconds", "0", *options]) == 0
        return Run.of(json.loads(capsys.readouterr().out))
    return run


def test_a_models_gradient_is_what_its_parameters_say(timed):
    run = timed("small")
    H, D, V = 4, 4, 53
    layer = 2 * D * 4 * H + 4 * H
    assert run.work.dense == 2 * (2 * layer + V * H + V)
    assert run.work.tables == (Table(2, 2 * D),)
    assert run.work.messages == 2 * (2 * 3 + 2) + 2 * 2 + 4
    assert (run.work.batch, run.work.steps, run.work.words) == (4, 5, V)
    assert timed("elmo").work.tables == (Table(2, H + 1, samples=8, sides=2),)


def test_every_part_of_a_step_is_timed_and_nothing_stays_patched(timed):
    functions = gradient_sum.add, row_groups.take_gradients, row_groups.put_gradients, trainer.global_norm, BiLM.forward
    run = timed("elmo", "--threads", "2")
    step = run.step
    assert min(step.computing, step.copying, step.adding, step.updating, step.between) > 0
    assert step.waiting == 0
    assert functions == (gradient_sum.add, row_groups.take_gradients, row_groups.put_gradients, trainer.global_norm,
                         BiLM.forward)


# The page


def test_the_page_has_every_model_network_and_change(timed):
    each = {name: scale_pieces.found([timed(name, rows=rows) for rows in (1, 2)]) for name in scale.models()}
    step = Step(*[1e-3] * 7)
    rows = [Compared("small", way, step, replace(step, copying=4e-3)) for way in scale.WAYS]
    text = scale_page.page(each, rows, {"small": Network("this machine", 0.0, 2e9)})
    assert "\n2.00 GB per second for `small`, each way." in text
    assert text.count("1 Gbit/s Ethernet") == 3 * len(each)
    assert all(change in text for change in ("as it is", "batches 8 times as large", "exchange after every 8 batches"))
    assert "{" not in text
    original = scale_page.original_size(each["elmo"])
    assert f"{FLOAT * (each['elmo'].work.dense + scale_page.ORIGINAL_WORDS * 5) / 1e6:,.0f} MB" in original
    predicted, measured = (line.split("|")[1:-1] for line in scale_page.comparison(rows).splitlines()[2:4])
    assert [cell.strip() for cell in predicted] == ["small", "1", "1", "4", "predicted", "7.0", *["1.0"] * 7, "0.70"]
    assert [cell.strip() for cell in measured][4:8] == ["measured", "10.0", "1.0", "4.0"]


def test_two_processes_are_compared_with_two_threads():
    seconds = {Way(2, 1, 2): 8, Way(1, 2, 2): 6, Way(1, 2, 1): 4}
    rows = [Compared("small", way, Step(*[0.0] * 7), Step(n / 10, *[0.0] * 6)) for way, n in seconds.items()]
    *_, line = scale_page.processes_or_threads(rows).splitlines()
    assert [cell.strip() for cell in line.split("|")[1:-1]] == ["small", "800.0", "600.0", "400.0", "0.75, 0.50"]


def test_on_a_machine_that_is_as_the_model_says_predictions_are_right(monkeypatch, tmp_path, capsys):
    """Also where processes slow each other down."""
    def output(command):
        processes, name = int(command[2]), command[5]
        groups, rows, threads = (int(command[command.index(f"--{option}") + 1]) for option in ("groups", "rows",
                                                                                               "threads"))
        slower = 1 + 0.3 * (processes - threads)
        pieces = Pieces(**{key: slower * value for key, value in asdict(PIECES).items()}, )
        work = replace(SPARSE, name=name, batch=4)
        if name == "elmo":
            work = replace(work, tables=(Table(1, 6, samples=8),))
        return printed(run_of(work, pieces, Network("l", 0.0, 1e5 / slower), Way(processes, threads, groups), rows))
    monkeypatch.setattr(scale, "output", output)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert scale.main(["--out", str(tmp_path / "scale.md")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "predicted" in line][1:]
    assert [line.split("|")[-2].strip() for line in lines] == ["1.00"] * len(scale.HERE) * len(scale.WAYS)
    assert "Where the knee is" in (tmp_path / "scale.md").read_text()


def test_a_command_that_fails_is_one_line():
    with pytest.raises(UserError, match=r"ended with 3: of its own"):
        scale.output([sys.executable, "-c", "import sys; print('of its own', file=sys.stderr); sys.exit(3)"])


def test_without_a_launcher_there_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert scale.main([]) == 2
    assert "error: mpiexec, the launcher of an MPI library, is not installed" in capsys.readouterr().err


def test_two_processes_wait_for_each_other():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if shutil.which("mpiexec") is None:
        pytest.skip("mpiexec, a launcher of MPI, is not installed")
    run = scale.Measurements(scale.Progress(quiet=True), 0.0).steps("small", Way(2, 1, 2), 1)
    assert (run.processes, run.groups, run.rows) == (2, 2, 1)
    assert run.step.exchanging > 0
