"""benchmarks/: both sides compute the same, rows and tables say what was measured, a mistake is one line."""
# ruff: noqa: E402  (what benchmarks/ holds can be imported once its folder is on the path)

import json
import os
import subprocess
import sys
from copy import deepcopy
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.io.run_directory import RunDirectory
from elmo_np.nn.optim import SGD
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.progress import Progress
from elmo_np.training.trainer import Trainer

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))     # its files find one another as those of a script do

import embed
import embed_batches
import growth
import jobs_elmo_np
import machine
import matrix_product
import report
import side_by_side
import step
import tables
from embed_elmo_np import fingerprint, random_elmo
from embed_sizes import BLOCK, EmbedSizes
from jobs import Skipped, Task
from measure import OURS, PRODUCT, Disagreement, Measurement, Plan, check_agreement
from memory import Peak
from works import COMPILED, GROUPS, ONNX, PRODUCT_FLOPS, REFERENCE, STEPS, TORCH, Goal, Sizes, Work, all_works, chosen
from works import PLAIN as PLAIN_SIDE

SMALL = EmbedSizes(4, H=9, P=5, highways=2, filters=((1, 3), (3, 70)), C=4, clip=0.02)    # so that the clips act
PLAIN, PROJECTED, SQUARE = Sizes(30, 5, 7, 2, 3, 4), Sizes(30, 5, 7, 2, 3, 4, P=3), Sizes(30, 6, 6, 2, 3, 4)


def work(kind="step", sizes=PLAIN, **fields):
    return Work("one", kind, kind, sizes, 1, **fields)


def figures(made, side=OURS, folder=None):
    """What a side computes, and the arrays that it began with."""
    task = Task(made, side, folder)
    with jobs_elmo_np.setting(task):
        job, arrays = jobs_elmo_np.build(task)
        arrays = deepcopy(arrays)
        return job.figures(), arrays


def command(*argv, path=()):
    """Run the benchmark as a person does; `path`: where Python looks first."""
    path = os.pathsep.join([*map(str, path), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run([sys.executable, str(BENCHMARKS / "step.py"), *argv], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": path}, timeout=600)


def measured(tmp_path, *names):
    """What the benchmark prints for some works, and its rows."""
    file = tmp_path / "rows.json"
    done = command("--quick", "--rounds", "1", "--only", *names, "--json", str(file), path=[tmp_path])
    assert done.returncode == 0, done.stderr
    return done, json.loads(file.read_text())


@pytest.fixture
def without_torch(tmp_path):
    """A PyTorch that is not there, in the directory that `measured` puts first."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")\n")


# Both sides compute the same

@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("sizes", [PLAIN, PROJECTED], ids=["plain", "projected"])
@pytest.mark.parametrize("kind", ["step", "regularised", "lstm", "softmax"])
def test_pytorch_computes_the_same(kind, sizes):
    pytest.importorskip("torch")
    if kind == "regularised":
        sizes = SQUARE
    import peer_torch

    ours, arrays = figures(work(kind, sizes))
    check_agreement(kind, {OURS: ours, TORCH: peer_torch.build(work(kind, sizes), arrays).figures()})


def test_only_the_regularised_step_draws_masks():
    made = work("regularised", SQUARE, peer=PLAIN_SIDE)
    (plain, _), (ours, _) = (jobs_elmo_np.build(Task(made, side, None)) for side in (PLAIN_SIDE, OURS))
    step, *_ = figures(work("step", SQUARE))[0]
    assert plain.run() == step
    assert abs(ours.run() - step) > 1e-4 * step


@pytest.mark.parametrize("kind", ["step", "lstm", "softmax"])
def test_kernels_and_reference_compute_the_same(kind):
    found = {side: figures(work(kind, PROJECTED, peer=REFERENCE), side)[0] for side in (OURS, REFERENCE)}
    check_agreement(kind, found)


def test_pytorch_embeds_the_same(monkeypatch):
    pytest.importorskip("torch")
    import peer_torch

    monkeypatch.setattr(embed_batches, "BLOCK", 3)      # two batches, of sentences of different length
    ours, arrays = figures(work("embed", SMALL))
    assert len(ours) == SMALL.sentences * 3 * 2
    check_agreement("embed", {OURS: ours, TORCH: peer_torch.build(work("embed", SMALL), arrays).figures()})


def test_onnx_runtime_embeds_the_same(monkeypatch):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    import embed_onnx

    monkeypatch.setattr(embed_batches, "BLOCK", 3)
    ours, arrays = figures(work("embed", SMALL, peer=ONNX))
    check_agreement("embed", {OURS: ours, ONNX: embed_onnx.build(work("embed", SMALL), arrays).figures()})


def test_vectors_in_another_order_are_noticed():
    embedded = random_elmo(SMALL).embed(SMALL.text())
    assert any(np.abs(layers[1]).max() == np.float32(SMALL.clip) for layers in embedded)
    close = [1.00001 * layers for layers in embedded]
    check_agreement("embed", {OURS: fingerprint(embedded), TORCH: fingerprint(close)})
    for other in embedded[::-1], [layers[:, ::-1] for layers in embedded], [layers[::-1] for layers in embedded], [
            np.roll(layers, layers.shape[2] // 2, axis=2) for layers in embedded]:
        with pytest.raises(Disagreement):
            check_agreement("embed", {OURS: fingerprint(embedded), TORCH: fingerprint(other)})


def test_what_is_loaded_is_the_model_that_was_saved(tmp_path):
    job, _ = jobs_elmo_np.build(Task(work("load", SMALL, peer=None), OURS, tmp_path))
    loaded, made = job.run(), random_elmo(SMALL)
    for one, other in zip(loaded.embed(SMALL.text()), made.embed(SMALL.text()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_losses_that_differ_are_noticed():
    check_agreement("a work", {OURS: [2.0, 3.0], TORCH: [2.0, 3.0001]})
    for other in [2.0, 3.001], [2.0, float("nan")]:
        with pytest.raises(Disagreement, match=f"a work: {OURS} computes"):
            check_agreement("a work", {OURS: [2.0, 3.0], TORCH: other})


def test_a_step_is_the_step_of_a_training(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs_elmo_np, "CLIP_NORM", 0.1)     # so that it acts
    corpus = [sentence.tokens for sentence in GrammarCorpus(sentences=60).labelled()]
    settings = override(Settings(), ["hidden_dim=6", "embedding_dim=6", "batch_size=8", "state=reset", "momentum=0.9",
                                     "nesterov=true", "clip_norm=0.1"])
    trainer = Trainer(corpus, corpus, RunDirectory(tmp_path / "run"), settings, Progress(quiet=True))
    trainer.prepare()
    trainer.start()
    model = deepcopy(trainer.model)
    over = parameters(model)
    optimizer = SGD(over, jobs_elmo_np.RATE, jobs_elmo_np.MOMENTUM, nesterov=True)
    for batch in islice(trainer._batches(), 3):
        trainer._step(batch)
        jobs_elmo_np.training_step(model, optimizer, over, batch)
    for name, parameter in trainer.parameters.items():
        np.testing.assert_array_equal(over[name].value, parameter.value)


@pytest.mark.parametrize("name", [made.detail for made in all_works() if made.kind == "twin"])
def test_a_twins_calls_are_made_in_every_run(name, monkeypatch):
    calls, reference = [], backend.TWINS[name].reference

    def counted(*args, **kwargs):
        calls.append(name)
        return reference(*args, **kwargs)
    monkeypatch.setattr(backend.TWINS[name], "reference", counted)
    try:
        job, _ = jobs_elmo_np.build(Task(work("twin", peer=REFERENCE, detail=name), REFERENCE, None))
    except Skipped as why:
        pytest.skip(str(why))
    calls.clear()               # those of the training step
    job.run()
    once = len(calls)
    job.run()
    assert len(calls) == 2 * once > 0


def test_every_run_of_the_corpus_is_a_training(tmp_path):
    job, _ = jobs_elmo_np.build(Task(work("corpus", Sizes(50, 4, 4, 1, 4, 5), peer=None, detail="40"), OURS, tmp_path))
    job.run()
    job.run()
    assert len(list(tmp_path.glob("run-*/model.safetensors"))) == 2


# What is measured

def test_floating_point_operations_of_zaremba_small():
    # 400 tokens, 2 directions, forward and twice as much backward, two layers of 8 H (in + H), and 2 H V
    expected = 400 * 2 * 3 * (2 * 8 * 200 * 400 + 2 * 200 * 10000)
    assert work(sizes=STEPS["zaremba-small"]).flops == expected == 12_672_000_000


def test_floating_point_operations_of_a_projection():
    # of one token, forward: layer inputs 5 and 3, outputs 3, cells 7
    forward = 8 * 7 * (5 + 3) + 8 * 7 * (3 + 3) + 2 * (2 * 7 * 3)
    assert work("lstm", PROJECTED).flops == 3 * 12 * forward


def test_floating_point_operations_of_embedding():
    sizes = EmbedSizes(1, H=9, P=5, highways=2, filters=((2, 6),), C=4)
    words = sizes.text()[0]
    lengths = [3, 3, *(len(word.encode()) + 2 for word in set(words))]
    characters = sum(2 * 2 * 4 * 6 * (length + 1) + 2 * 2 * (2 * 6 * 6) + 2 * 6 * 5 for length in lengths)
    steps = (len(words) + 2) * 2 * 2 * (2 * (5 + 5) * 4 * 9 + 2 * 9 * 5)
    assert work("embed", sizes).flops == sizes.flops() == characters + steps


def test_the_text_repeats_words_and_its_sentences_differ_in_length():
    sizes = EmbedSizes(30)
    assert len(sizes.text()) == 30
    assert sizes.types < sizes.tokens / 2
    assert sizes.padded == 30 * (max(map(len, sizes.text())) + 2) > 1.5 * (sizes.tokens + 60)
    assert EmbedSizes(BLOCK + 1).padded == EmbedSizes(BLOCK).padded + len(EmbedSizes(BLOCK + 1).text()[-1]) + 2


@pytest.mark.parametrize(("works", "groups"), [(all_works(), GROUPS), (embed.works(), embed.GROUPS)])
def test_every_work_has_a_name_of_its_own_and_a_group(works, groups):
    assert len({made.name for made in works}) == len(works)
    assert {made.group for made in works} == set(groups)


def test_works_are_chosen_by_name_and_by_group():
    works = all_works()
    assert chosen(works, []) == works
    assert [made.name for made in chosen(works, ["tiny", "softmax"])] == ["tiny", "softmax-article",
                                                                          "softmax-zaremba-small"]


@pytest.mark.parametrize("made", [all_works()[1], embed.works()[0]])
def test_a_work_comes_through_a_pipe_as_it_was(made):
    task = Task(made, TORCH, Path("folder"))
    assert Task.from_dict(json.loads(json.dumps(task.as_dict()))) == task


def test_goals_hold_for_two_threads_only():
    assert all(made.goal == Goal() for made in all_works(threads=1) if made.group == "step")
    assert all(made.goal.ratio for made in all_works(threads=2) if made.group == "step")


def test_peak_memory_is_that_since_the_start():
    np.ones(1 << 24, np.float32)        # 64 MB that come before
    peak = Peak()
    if peak.mb() is None or not peak.reset:
        pytest.skip("this system does not tell")
    assert peak.mb() < 32
    np.ones(1 << 24, np.float32)
    assert 60 < peak.mb() < 80


# Rows and tables

FOUND = Measurement({OURS: [0.1, 0.2, 0.1], TORCH: [0.2, 0.6, 0.1], PRODUCT: [0.01, 0.01, 0.01]},
                    {OURS: 10.0, TORCH: 30.0})


def test_a_row_says_what_was_measured():
    made = work(sizes=STEPS["article"], goal=Goal(2.0, memory=0.5, share=0.9))
    row = report.row(made, FOUND)
    assert {key: row[key] for key in ("work", "elmo_np_ms", "peer", "peer_ms", "elmo_np_peak_mb", "peer_peak_mb")} == {
        "work": "one", "elmo_np_ms": 100.0, "peer": TORCH, "peer_ms": 200.0, "elmo_np_peak_mb": 10.0,
        "peer_peak_mb": 30.0}
    assert row["ratio"] == pytest.approx(2.0)           # of rounds 2, 3 and 1: not of the medians
    assert (row["ratio_low"], row["ratio_high"]) == (pytest.approx(1.0), pytest.approx(3.0))
    assert row["tokens_per_second"] == pytest.approx(6400)
    assert row["share_of_matmul"] == pytest.approx(made.flops / PRODUCT_FLOPS * 0.1)
    assert row["goal_met"] is False                     # the share is not reached
    assert report.row(work(sizes=STEPS["article"], goal=Goal(2.0, memory=0.5)), FOUND)["goal_met"] is True
    json.dumps(row)


def test_a_row_without_a_peer_says_none():
    row = report.row(work(goal=Goal(2.0)), Measurement({OURS: [0.1]}, {OURS: None}))
    assert all(row[key] is None for key in ("peer", "peer_ms", "ratio", "ratio_low", "share_of_matmul",
                                            "elmo_np_peak_mb", "peer_peak_mb", "goal_met"))
    assert row["elmo_np_ms"] == pytest.approx(100)


def test_a_table_has_a_line_a_work_and_no_empty_column():
    made = work(sizes=STEPS["article"], goal=Goal(3.0))
    alone = work(sizes=STEPS["article"])
    lines = report.table([(made, report.row(made, FOUND))]).splitlines()
    assert len(lines) == 3
    assert len(set(map(len, lines))) == 1
    for text in "PyTorch ms", "1.00 to 3.00", "ratio at least 3.0: NOT MET":
        assert any(text in line for line in lines)
    without = report.table([(alone, report.row(alone, Measurement({OURS: [0.1]}, {OURS: 1.0})))])
    assert "ratio" not in without
    assert "peer" not in without


def test_the_table_of_growth_shows_factors():
    works = [made for made in all_works() if made.group == "growth"]
    results = [(made, report.row(made, Measurement({OURS: [0.01 * made.factor]}, {OURS: 20.0}))) for made in works]
    text = report.growth_table(results)
    assert text.count("10.0, 20.0 (x2.00), 40.0 (x4.00)") == 5       # T, B, H, V and the corpus
    assert "20.0, 20.0 (x1.00), 20.0 (x1.00)" in text
    assert "PyTorch" not in text
    report.growth_table([result for result in results if result[0].grows == "T"])      # without a base


def test_the_picture_of_growth_has_the_factors_of_every_size(tmp_path, capsys):
    works = [made for made in all_works() if made.group == "growth"]
    rows = [report.row(made, Measurement({OURS: [0.01 * made.factor**0.5]}, {OURS: 1.0})) for made in works]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    assert growth.main([str(tmp_path / "rows.json"), "--out", str(tmp_path / "growth.svg")]) == 0
    assert capsys.readouterr().out.count("x1: 1.00  x2: 1.41  x4: 2.00") == 5
    drawn = (tmp_path / "growth.svg").read_text()
    assert all(name in drawn for name in growth.NAMES.values())
    (tmp_path / "rows.json").write_text(json.dumps(rows[1:]))
    assert growth.main([str(tmp_path / "rows.json")]) == 2
    assert "growth-base was not measured" in capsys.readouterr().err


def rows_file(path, machine, *works, date="2026-11-29"):
    rows = [{**report.row(made, FOUND), "machine": machine, "date": date} for made in works]
    path.write_text(json.dumps(rows))
    return str(path)


def test_tables_are_printed_from_rows_with_a_section_for_each_machine_and_path(tmp_path, capsys):
    steps, embedded = all_works()[:2], [embed.works(quick=True)[0]]
    files = [rows_file(tmp_path / "step.json", "CPU A, 2 cores; Python 3; elmo_np 1, kernels avx512", *steps),
             rows_file(tmp_path / "slow.json", "CPU A, 2 cores; Python 3; elmo_np 1, kernels avx2", *steps[:1]),
             rows_file(tmp_path / "embed.json", "CPU A, 2 cores; Python 3; elmo_np 1, kernels avx512", *embedded,
                       date="2026-11-30")]
    assert tables.main(files) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert [line for line in lines if line.startswith("#")] == ["### CPU A, 2 cores, kernels avx512",
                                                                "### CPU A, 2 cores, kernels avx2"]
    assert "Python 3; elmo_np 1, kernels avx512. Measured on 2026-11-29 to 2026-11-30." in lines
    assert "Python 3; elmo_np 1, kernels avx2. Measured on 2026-11-29." in lines
    assert report.table([(steps[0], report.row(steps[0], FOUND))]) in out
    assert f"; 3 sentences, {EmbedSizes(3).tokens} tokens" in out      # those of --quick


@pytest.mark.parametrize("content", [None, "no JSON", "3", "[3]", '[{"work": "tiny"}]',
                                     '[{"work": "other", "threads": 2, "machine": "m", "date": "d"}]'])
def test_a_file_that_holds_no_rows_is_one_line(content, tmp_path, capsys):
    file = tmp_path / "rows.json"
    if content is not None:
        file.write_text(content)
    assert tables.main([str(file)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "expected what step.py or embed.py" in err


def test_without_torch_only_elmo_np_is_measured():
    assert Plan(torch=False).sides(work()) == [OURS]
    assert Plan(torch=False).sides(work(peer=ONNX)) == [OURS, ONNX]
    assert Plan(torch=True).sides(work()) == [OURS, TORCH]
    assert Plan(torch=False).sides(work(peer=REFERENCE)) == [OURS, REFERENCE]


def test_a_run_with_narrower_vectors_says_so_and_measures_the_product_with_them(monkeypatch):
    for name in matrix_product.NARROWER, *machine.LIMITS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(matrix_product.CORE, "Haswell")
    assert any(f"without {matrix_product.CORE}=Haswell" in way for way in matrix_product.ways(1, torch=False))
    assert "ATEN" not in machine.describe("2.13")
    monkeypatch.setenv(matrix_product.NARROWER, "avx2")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    assert not any("without" in way for way in matrix_product.ways(1, torch=False))
    assert "; ATEN_CPU_CAPABILITY=avx2; elmo_np " in machine.describe("2.13")


# The command

@pytest.mark.parametrize(("argv", "message"), [
    (["--only", "tinny"], "--only tinny: no such work; did you mean tiny?"),
    (["--only", "qqq"], "expected one of step, lstm,"),
    (["--rounds", "0"], "--rounds 0: expected 1 or more"),
    (["--rounds", "many"], "many"),
    (["--threads", "3"], "3"),
    (["--json", "absent/folder/rows.json", "--only", "tiny"], "cannot write absent/folder/rows.json"),
])
def test_a_mistake_is_one_line(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert step.main(argv) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("step.py: error: ")
    assert message in err


@pytest.mark.usefixtures("without_torch")
def test_without_torch_the_command_says_how_to_get_it_and_compares_no_step_with_a_compiled_one(tmp_path, monkeypatch):
    path = "base" if backend.simd_paths() else None
    if path is not None:
        monkeypatch.setenv("ELMO_NP_SIMD", path)
    done, (row,) = measured(tmp_path, "tiny", "compiled-tiny")
    assert row["machine"] in done.stdout.splitlines()
    assert row["machine"].endswith("no kernels" if backend.backend() == "numpy" else f"kernels {path}")
    assert side_by_side.NO_TORCH in done.stdout.splitlines()
    assert (row["work"], row["peer"], row["ratio"]) == ("tiny", None, None)
    assert row["elmo_np_ms"] > 0
    assert row["share_of_matmul"] > 0


def test_with_torch_the_command_compares(tmp_path):
    pytest.importorskip("torch")
    _, (row,) = measured(tmp_path, "tiny")
    assert row["peer"] == TORCH
    assert all(row[key] > 0 for key in ("elmo_np_ms", "peer_ms", "ratio", "share_of_matmul"))


def test_a_compiled_step_computes_the_same_or_says_why_it_is_left_out(tmp_path):
    pytest.importorskip("torch")
    done, rows = measured(tmp_path, "compiled-tiny")
    if rows:
        assert rows[0]["peer"] == COMPILED
        assert rows[0]["ratio"] > 0
    else:
        assert "compiled-tiny left out: torch.compile does not work here: " in done.stderr


def test_embedding_says_tokens_types_and_rate():
    made = Work("small", "embed", "embed", EmbedSizes(30), 2, goal=Goal(10.0))
    row = report.row(made, FOUND)
    assert (row["tokens"], row["types"]) == (made.sizes.tokens, made.sizes.types)
    assert row["tokens_per_second"] == pytest.approx(made.sizes.tokens / 0.1)
    assert row["peer_tokens_per_second"] == pytest.approx(made.sizes.tokens / 0.2)
    assert row["goal_met"] is False
    assert "PyTorch, tokens/s" in report.table([(made, row)])


def test_a_mistake_in_embed_is_one_line(capsys):
    assert embed.main(["--only", "smal-30"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "embed.py: error: --only smal-30: no such work; did you mean small-30?\n")


def test_embed_measures_its_works(capsys, tmp_path, monkeypatch):
    """Without torch the command itself; what it would compare with is tested above."""
    monkeypatch.setattr(side_by_side, "version", lambda *modules: ("", f"No module named '{modules[0]}'"))
    file = tmp_path / "rows.json"
    benchmark = embed.EMBED._replace(works=lambda threads, quick: [
        Work("small", "embed", "embed", SMALL, threads), Work("onnx", "onnx", "embed", SMALL, threads, ONNX),
        Work("load", "load", "load", SMALL, threads, None)])
    assert side_by_side.command(benchmark, ["--quick", "--rounds", "1", "--json", str(file)]) == 0
    rows = {row["work"]: row for row in json.loads(file.read_text())}
    assert rows["small"]["elmo_np_ms"] > 0
    assert rows["load"]["elmo_np_ms"] > 0
    assert rows["load"]["tokens"] is None
    assert "onnx" not in rows
    out = capsys.readouterr().out
    assert embed.GROUPS["load"] in out
    assert f"{side_by_side.NO_ONNX} (No module named 'onnxruntime')" in out.splitlines()
