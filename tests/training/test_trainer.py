"""The training loop: what it writes, that it learns, that it repeats itself, and how it stops."""

import json
import math
import re
import signal
import sys
from itertools import islice

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.config.schema import Settings, TrainConfig
from elmo_np.config.toml_files import preset, read_toml, replaced
from elmo_np.data import batches
from elmo_np.data.batches import EncodedCorpus, RandomSteps, contiguous_batches, stream_batches
from elmo_np.data.corpus import held_out
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import evaluate, unigram_perplexity
from elmo_np.io import safetensors_file as checkpoint
from elmo_np.io.run_directory import RunDirectory
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.optim import SGD, Adagrad, Adam
from elmo_np.nn.parameter import Parameter, parameters
from elmo_np.runtime.progress import Progress
from elmo_np.runtime.signals import Interrupted
from elmo_np.training.divergence import DivergenceMonitor
from elmo_np.training.fine_tuning import settings_of
from elmo_np.training.metrics import COLUMNS, read
from elmo_np.training.request import open_corpora
from elmo_np.training.trainer import Trainer, learning_rate_at, make_optimizer, train
from tests.commands import write
from tests.memory_helpers import peak
from tests.training_helpers import CORPUS, contents, run, tiny, write_shards

FILES = ["config.toml", "last.safetensors", "metrics.csv", "model.safetensors", "vocabulary.txt"]


def arrays(path):
    return {name: array.tobytes() for name, array in checkpoint.load(path)[0].items()}


def rows(folder, split="valid"):
    return [row for row in read(folder / "metrics.csv") if row["split"] == split]


@pytest.fixture
def steps(monkeypatch):
    """Every batch that is trained on, and the learning rate it is trained at: [(batch, rate)]."""
    seen = []

    def noted(self, batch, step=Trainer._step):
        seen.append((batch, self.optimizer.learning_rate))
        step(self, batch)
    monkeypatch.setattr(Trainer, "_step", noted)
    return seen


def test_a_run_leaves_a_model_a_checkpoint_the_words_the_settings_and_the_curve(tmp_path):
    elmo = run(tmp_path)
    assert sorted(contents(tmp_path)) == FILES
    assert read_toml(tmp_path / "config.toml", Settings()) == tiny("unknown=none")      # as "auto" found
    trained_on, _ = held_out(CORPUS, 20)
    assert Vocabulary.load(tmp_path / "vocabulary.txt") == elmo.vocabulary == Vocabulary.build(trained_on)
    found = read(tmp_path / "metrics.csv")
    assert {row["split"] for row in found} == {"train", "valid"}
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2"]
    assert (tmp_path / "metrics.csv").read_text().splitlines()[0] == ",".join(COLUMNS)


def test_the_curve_holds_losses_in_nats_and_their_perplexities(tmp_path):
    run(tmp_path)
    for row in read(tmp_path / "metrics.csv"):
        for direction in "forward", "backward":
            loss, perplexity = float(row[f"{direction}_loss"]), float(row[f"{direction}_perplexity"])
            assert perplexity == pytest.approx(math.exp(loss), rel=1e-5 * max(1, loss))     # both have six digits


def test_the_same_run_gives_the_same_bytes(tmp_path, each_backend):
    for out in "one", "two":
        run(tmp_path / out, "dropout=0.2", "shuffle=50")
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert {name for name in FILES if one[name] != two[name]} <= {"metrics.csv"}        # its seconds


def test_cutoffs_are_chosen_once_and_kept(tmp_path, monkeypatch):
    """A run whose model names none, as those of 0.1, keeps its own too."""
    for chosen in (5, 20), None:
        monkeypatch.setattr("elmo_np.training.initial_model.training_cutoffs", lambda V, chosen=chosen: chosen)
        whole, stopped = tmp_path / f"{chosen}", tmp_path / f"{chosen}, stopped"
        assert run(whole, "softmax=adaptive").model.config.cutoffs == chosen
        assert read_toml(whole / "config.toml", Settings()).model.cutoffs == chosen
        run(stopped, "softmax=adaptive", "epochs=1")
        monkeypatch.setattr("elmo_np.training.initial_model.training_cutoffs", lambda V: (7, 9))
        run(stopped, "softmax=adaptive", resume=True)
        assert contents(stopped)["model.safetensors"] == contents(whole)["model.safetensors"]
        tuned = replaced(settings_of(whole), epochs=1, batch_size=8, corpus=None)
        assert train(CORPUS, tmp_path / f"{chosen}, tuned", settings=tuned, quiet=True).model.config.cutoffs == chosen


def test_another_seed_gives_another_model(tmp_path):
    run(tmp_path / "one")
    run(tmp_path / "two", "seed=1")
    assert arrays(tmp_path / "one/model.safetensors") != arrays(tmp_path / "two/model.safetensors")


@pytest.mark.parametrize("optimizer", [
    ["optimizer=adam"], ["optimizer=adagrad", "learning_rate=0.5"], ["optimizer=sgd", "learning_rate=1.0"],
    ["optimizer=sgd", "learning_rate=0.3", "momentum=0.8", "nesterov=true", "clip_norm=1.0"],
    ["optimizer=sgd", "learning_rate=0.1", "loss_scale=steps", "clip_norm=5.0"],
])
def test_the_loss_falls_in_both_directions(tmp_path, optimizer):
    run(tmp_path, "epochs=3", *optimizer)
    curve, V = rows(tmp_path, "train"), len(Vocabulary.load(tmp_path / "vocabulary.txt"))
    for direction in "forward_loss", "backward_loss":
        first, last = float(curve[0][direction]), float(np.mean([float(row[direction]) for row in curve[-5:]]))
        assert first == pytest.approx(math.log(V), abs=0.35)        # it begins near ignorance
        assert last < first - 0.5


@pytest.mark.parametrize("parts", [
    ["share_embedding=true"], ["share_softmax=true"], ["share_embedding=true", "share_softmax=true"], ["tie=true"],
    ["tie=true", "share_embedding=true", "share_softmax=true"], ["tie=true", "embedding_dim=9"],
    ["tie=true", "share_embedding=true", "softmax=adaptive", "cutoffs=[8, 20]", "projection_dim=7"],
    ["layers=2", "projection_dim=4", "cell_clip=3.0", "proj_clip=3.0", "dropout=0.1", "init_scale=0.1"],
])
def test_every_way_of_sharing_trains_and_comes_back_from_its_file(tmp_path, parts):
    elmo = run(tmp_path, "epochs=3", "learning_rate=0.03", *parts)
    curve = [float(row["forward_loss"]) + float(row["backward_loss"]) for row in rows(tmp_path)]
    assert curve[1] < curve[0]
    again = ELMo.load(tmp_path)
    for name, p in parameters(elmo).items():
        np.testing.assert_array_equal(parameters(again)[name].value, p.value)
    assert ("model.backward_lm.embedding.E" in parameters(again)) == ("share_embedding=true" not in parts)


def test_one_and_two_threads_compute_the_same_bytes(tmp_path):
    for threads in "1", "2":
        run(tmp_path / threads, f"threads={threads}", "dropout=0.2", "share_embedding=true", "share_softmax=true")
    for name in "model.safetensors", "last.safetensors":
        assert arrays(tmp_path / "1" / name) == arrays(tmp_path / "2" / name)


def test_every_token_is_a_target_once_an_epoch(tmp_path, steps):
    run(tmp_path)
    trained_on, _ = held_out(CORPUS, 20)
    targets = sum(len(sentence) + 1 for sentence in trained_on)
    assert sum(batch.tokens for batch, _ in steps) == 2 * targets
    assert sum(int(batch.backward.lengths.sum()) for batch, _ in steps) == 2 * targets


def test_the_model_kept_is_the_best_on_validation_and_not_the_last(tmp_path):
    # 20 sentences by heart: what is held out is soon predicted worse
    elmo = run(tmp_path, "epochs=30", "learning_rate=0.05", "batch_size=2", corpus=CORPUS[:20], valid=CORPUS[20:30])
    curve = [float(row["forward_loss"]) + float(row["backward_loss"]) for row in rows(tmp_path)]
    best = int(np.argmin(curve))
    assert best < 29
    run(tmp_path / "short", f"epochs={best + 1}", "learning_rate=0.05", "batch_size=2", corpus=CORPUS[:20],
        valid=CORPUS[20:30])
    assert arrays(tmp_path / "model.safetensors") == arrays(tmp_path / "short/model.safetensors")
    short = parameters(ELMo.load(tmp_path / "short/last.safetensors"))
    for name, p in parameters(elmo).items():
        np.testing.assert_array_equal(p.value, short[name].value)


def test_patience_ends_a_training_that_gets_no_better(tmp_path, capsys):
    run(tmp_path, "epochs=30", "learning_rate=0.05", "batch_size=2", "patience=2", corpus=CORPUS[:20],
        valid=CORPUS[20:30], quiet=False)
    curve = [float(row["forward_loss"]) + float(row["backward_loss"]) for row in rows(tmp_path)]
    assert len(curve) == int(np.argmin(curve)) + 3 < 30
    assert "no better validation for 2 epochs: training ends" in capsys.readouterr().err


def test_a_validation_within_an_epoch_leaves_a_model_and_a_row_before_the_epoch_ends(tmp_path):
    def check(state):
        if (state.epoch, state.step) == (1, 11):
            assert (tmp_path / "out/model.safetensors").exists()
            assert [row["step"] for row in rows(tmp_path / "out")] == ["5", "10"]
    run(tmp_path / "out", "eval_every=5", on_step=check)
    run(tmp_path / "never")
    found, ends = rows(tmp_path / "out"), {row["epoch"]: int(row["step"]) for row in rows(tmp_path / "never")}
    assert [(row["epoch"], int(row["step"])) for row in found] == [
        (epoch, step) for epoch, end in ends.items() for step in (*range(5, end, 5), end)]


def test_the_best_model_may_be_one_within_an_epoch(tmp_path):
    few = {"corpus": CORPUS[:20], "valid": CORPUS[20:30]}
    run(tmp_path, "epochs=6", "learning_rate=0.1", "batch_size=2", "eval_every=3", "patience=1", **few)
    curve = rows(tmp_path)
    losses = [float(row["forward_loss"]) + float(row["backward_loss"]) for row in curve]
    best = int(np.argmin(losses))
    assert int(curve[best]["step"]) % 3 == 0
    assert curve[best]["epoch"] == curve[best + 1]["epoch"]         # not the last of its epoch
    found = evaluate(ELMo.load(tmp_path).model, ELMo.load(tmp_path).vocabulary, few["valid"], state="carry")
    assert (found.forward_nats + found.backward_nats) / found.targets == pytest.approx(losses[best], rel=1e-5)
    assert int(curve[-1]["epoch"]) == int(curve[best]["epoch"]) + 1     # patience counts whole epochs


@pytest.mark.parametrize("over", [True, False])
def test_a_run_that_overfits_is_told_so(tmp_path, capsys, over):
    settings = ("epochs=30", "learning_rate=0.05", "batch_size=2") if over else ("epochs=2",)
    given = {"corpus": CORPUS[:20], "valid": CORPUS[20:30]} if over else {}
    run(tmp_path, *settings, quiet=False, **given)
    said = capsys.readouterr().err
    if over:
        losses = [float(row["forward_loss"]) + float(row["backward_loss"]) for row in rows(tmp_path)]
        assert f"note: validation was best at epoch {int(np.argmin(losses)) + 1} of 30 and worse since: " in said
        assert said.index("note: validation has not improved for 2 epochs") < said.index("epoch 30/30  validation")
        assert "note: in the last epoch the perplexity of the training text was forward" in said
    else:
        assert "worse since" not in said
        assert "note: in the last epoch" not in said
        assert "has not improved" not in said
    assert ("no validation file: one of every 20 sentences is held out" in said) is not over


def test_a_validation_on_what_is_trained_on_is_noted(tmp_path, capsys):
    corpus = write(tmp_path / "text.txt", CORPUS[:20])
    other = write(tmp_path / "other.txt", CORPUS[:20])
    run(tmp_path / "same", "epochs=1", quiet=False, corpus=str(tmp_path / "*.txt"), valid=str(corpus))
    assert f"note: {corpus} is both trained on and validated on, so the validation" in capsys.readouterr().err
    run(tmp_path / "apart", "epochs=1", quiet=False, corpus=str(other), valid=str(corpus))
    assert "is both trained on" not in capsys.readouterr().err


def test_callbacks_see_every_step_and_epoch(tmp_path):
    steps, epochs = [], []
    run(tmp_path, on_step=lambda state: steps.append((state.epoch, state.step, state.last.total)),
        on_epoch=lambda state, loss: epochs.append((state.epoch, f"{loss.forward:.6g}", f"{loss.backward:.6g}")))
    last = int(rows(tmp_path)[0]["step"])
    assert [step[:2] for step in steps] == [(epoch, step) for epoch in (1, 2) for step in range(1, last + 1)]
    assert all(0 < total < 14 for *_, total in steps)
    assert epochs == [(int(row["epoch"]), row["forward_loss"], row["backward_loss"]) for row in rows(tmp_path)]


def test_the_learning_rate_follows_its_schedule(tmp_path, steps):
    settings = ("epochs=4", "decay=0.5", "decay_after=2", "learning_rate=0.02")
    run(tmp_path, *settings)
    an_epoch = len(steps) // 4
    assert [rate for _, rate in steps[::an_epoch]] == [0.02, 0.02, 0.01, 0.005]
    assert [rate for _, rate in steps[an_epoch - 1::an_epoch]] == [0.02, 0.02, 0.01, 0.005]
    for row in read(tmp_path / "metrics.csv"):
        assert float(row["learning_rate"]) == learning_rate_at(tiny(*settings).train, int(row["epoch"]))


def test_the_learning_rate_halves_after_the_fourth_epoch():
    train = preset("small").train
    assert [learning_rate_at(train, epoch) for epoch in range(1, 8)] == [1, 1, 1, 1, 0.5, 0.25, 0.125]
    assert learning_rate_at(preset("article").train, 10) == 0.01


def test_without_a_validation_corpus_every_nth_sentence_is_held_out(tmp_path, steps):
    run(tmp_path / "whole", "held_out=3", "epochs=1")
    split = len(steps)
    trained_on, valid = (list(part) for part in held_out(CORPUS, 3))
    assert len(valid) == 100
    run(tmp_path / "parts", "held_out=3", "epochs=1", corpus=trained_on, valid=valid)
    assert contents(tmp_path / "whole")["last.safetensors"] == contents(tmp_path / "parts")["last.safetensors"]
    assert int(rows(tmp_path / "whole")[0]["tokens"]) == sum(len(sentence) + 1 for sentence in valid)
    assert len(steps) == 2 * split


def test_whole_sentences_are_trained_from_fresh_states(tmp_path, steps, monkeypatch):
    given = []
    from elmo_np.nn.bilm import BiLM

    def noted(self, batch, state=None, rngs=None, forward=BiLM.forward):
        given.append(state)
        return forward(self, batch, state, rngs)
    monkeypatch.setattr(BiLM, "forward", noted)
    run(tmp_path / "reset", "state=reset")
    assert set(given) == {None}
    assert len(steps) == 2 * math.ceil(285 / 8)
    assert all((batch.forward.x[0] == 0).all() for batch, _ in steps)       # every column begins with <S>
    given.clear()
    run(tmp_path / "carry", "state=carry")
    per_epoch = len(given) // 2
    assert [k for k, state in enumerate(given) if state is None] == [0, per_epoch]


LONG = [[word for sentence in CORPUS for word in sentence][:500] * 40, *CORPUS[:40]]


def test_a_very_long_sentence_is_not_paid_for_by_every_row(tmp_path):
    found = peak(lambda: run(tmp_path, "state=reset", "epochs=1", corpus=LONG, valid=LONG))
    assert found < 60e6         # eight columns of 20,000 steps: 190 MB


def test_the_parts_of_a_long_sentence_carry_its_state(tmp_path, steps, monkeypatch):
    monkeypatch.setattr(batches, "MOST", 1 << 12)
    given = []

    def noted(self, batch, state=None, rngs=None, forward=BiLM.forward):
        given.append(state is not None)
        return forward(self, batch, state, rngs)
    monkeypatch.setattr(BiLM, "forward", noted)
    run(tmp_path, "state=reset", "epochs=1", corpus=LONG, valid=CORPUS[:5])
    assert given == [False] * 6 + [True] * 4            # 40 sentences in batches of 8, then the longest in five parts
    assert given == [not batch.fresh for batch, _ in steps]


def test_contiguous_streams_give_each_row_its_own_part(tmp_path, steps):
    elmo = run(tmp_path, "streams=contiguous", "epochs=1", "min_count=2")
    sentences = EncodedCorpus(list(held_out(CORPUS, 20)[0]), elmo.vocabulary.encode)
    expected, shared = (list(cut(sentences, 8, 10)) for cut in (contiguous_batches, stream_batches))
    assert len(steps) == len(expected)
    for (batch, _), other in zip(steps, expected, strict=True):
        np.testing.assert_array_equal(batch.forward.y, other.forward.y)
        np.testing.assert_array_equal(batch.backward.x, other.backward.x)
    assert (steps[0][0].forward.x != shared[0].forward.x).any()


def test_shuffling_gives_every_epoch_an_order_of_its_own(tmp_path, steps):
    run(tmp_path, "shuffle=1000", "min_count=2")
    half = len(steps) // 2

    def targets(part):
        return [batch.forward.y[:, b].tolist() for batch, _ in part for b in range(8)]
    one, two = targets(steps[:half]), targets(steps[half:])
    assert one != two
    flat = [sorted(word for column in part for word in column if word >= 0) for part in (one, two)]
    assert flat[0] == flat[1]


def test_a_batch_as_large_as_the_corpus_trains_and_a_larger_one_is_refused(tmp_path):
    run(tmp_path / "fits", "batch_size=20", corpus=CORPUS[:20], valid=CORPUS[20:30])
    assert sorted(contents(tmp_path / "fits")) == FILES
    with pytest.raises(UserError, match=r"^batch_size = 21, but there are 20 sentences to train on: .*batch_size=20$"):
        run(tmp_path / "more", "batch_size=21", corpus=CORPUS[:20], valid=CORPUS[20:30])
    assert not (tmp_path / "more").exists()


@pytest.mark.parametrize(("corpus", "valid", "message"), [
    ([], [["a"]], "the corpus has no word"),
    ([[]], [["a"]], "the corpus has no word"),
    ([["a"]] * 8, [], "no sentence to validate on: give a validation file"),
    ([["a"]] * 8, None, r"too few sentences \(8\) to hold out one of every 20: "),
    (["a string", "and another"], [["a"]], "string"),
])
def test_an_empty_corpus_is_refused_before_anything_is_written(tmp_path, corpus, valid, message):
    with pytest.raises(UserError, match=message) as caught:
        run(tmp_path / "out", corpus=corpus, valid=valid)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("which", ["corpus", "valid"])
def test_a_corpus_that_can_be_read_only_once_is_refused(tmp_path, which):
    given = {"corpus": CORPUS[:40], "valid": CORPUS[40:60]}
    given[which] = iter(given[which])       # used up by the first pass: there would be nothing to train on
    with pytest.raises((UserError, TypeError), match=r"once|again"):
        run(tmp_path, **given)


@pytest.mark.parametrize("missing", [[], ["model.safetensors"], ["last.safetensors", "model.safetensors"]])
def test_a_folder_in_use_is_refused_and_left_as_it_was(tmp_path, missing):
    run(tmp_path)
    for name in missing:
        (tmp_path / name).unlink()
    before = contents(tmp_path)
    with pytest.raises(UserError, match=f"^{re.escape(str(tmp_path))} already holds a run: give another directory"):
        run(tmp_path, "seed=1")
    assert contents(tmp_path) == before


def test_two_trainings_into_one_folder_are_refused_before_the_corpus_is_read(tmp_path, monkeypatch):
    run(tmp_path / "alone")
    second = []

    class Unread:
        def __iter__(self):
            raise AssertionError("the corpus was read")

    def step(self, batch, whole=Trainer._step):
        whole(self, batch)
        for resume in (False, True) if (self.place.epoch, self.place.step) == (1, 3) else ():
            with pytest.raises(UserError, match="is being written by process") as caught:
                run(tmp_path / "out", corpus=Unread(), resume=resume)
            second.append(caught)
    monkeypatch.setattr(Trainer, "_step", step)
    run(tmp_path / "out")
    assert len(second) == 2
    assert contents(tmp_path / "out")["model.safetensors"] == contents(tmp_path / "alone")["model.safetensors"]
    assert sorted(contents(tmp_path / "out")) == FILES


def test_a_folder_with_other_files_is_used_and_they_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    run(tmp_path, "epochs=1")
    assert sorted(contents(tmp_path)) == sorted([*FILES, "notes.txt"])
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_name_below_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in tmp_path / "file", tmp_path / "file" / "run":
        with pytest.raises(UserError, match=r"^cannot make the folder"):
            run(out)
    assert contents(tmp_path) == {"file": b"mine"}


def finite(path):
    return all(np.isfinite(array).all() for array in checkpoint.load(path)[0].values())


@pytest.fixture
def spoil(monkeypatch):
    """spoil(step, epoch=1, where=..., value=NaN): put a value into an array before that step; steps from 0."""
    def spoil(step, epoch=1, where="model.forward_lm.layers.0.Wx", value=np.nan):
        def spoiled(self, batch, step_of=Trainer._step):
            if (self.place.epoch, self.place.step) == (epoch, step):
                parameters(self.elmo)[where].value[...] = value
            step_of(self, batch)
        monkeypatch.setattr(Trainer, "_step", spoiled)
    return spoil


def test_a_value_that_is_not_finite_stops_training_with_one_line(tmp_path, spoil, each_backend):
    spoil(1)
    with pytest.raises(UserError) as caught:
        run(tmp_path, "optimizer=sgd")
    log_v = math.log(len(Vocabulary.build(held_out(CORPUS, 20)[0])))
    assert re.fullmatch(
        rf"training stopped at epoch 1, step 1: loss forward nan, backward \d\.\d+ nats per token, where a model that "
        rf"knows nothing has log V = {log_v:.2f}; not finite: forward_lm\.layers\.0\.Wx; last good checkpoint: "
        rf"{re.escape(str(tmp_path / 'last.safetensors'))} \(epoch 1, step 0\); start another run with a lower "
        r"learning_rate \(now 0\.01\), or set clip_norm, for example clip_norm=5", str(caught.value))
    assert not (tmp_path / "model.safetensors").exists()
    assert finite(tmp_path / "last.safetensors")


@pytest.mark.parametrize(("save_every", "kept"), [(0, "epoch 2, step 0"), (3, "epoch 2, step 3"),
                                                  (1, "epoch 2, step 3")])
def test_the_last_good_checkpoint_is_named_and_stays_finite(tmp_path, spoil, each_backend, save_every, kept):
    spoil(4, epoch=2)
    with pytest.raises(UserError) as caught:
        run(tmp_path, f"save_every={save_every}", "clip_norm=2.5")
    last = tmp_path / "last.safetensors"
    assert str(caught.value).startswith("training stopped at epoch 2, step 4: ")
    assert f"last good checkpoint: {last} ({kept}); start another run with a lower learning_rate (now 0.01), or " \
        "lower clip_norm (now 2.5)" in str(caught.value)
    assert finite(tmp_path / "model.safetensors")
    assert finite(last)
    for path in tmp_path, last:
        assert np.isfinite(ELMo.load(path).embed([CORPUS[0]])[0]).all()


@pytest.mark.parametrize("where", ["model.forward_lm.layers.0.Wx", "model.backward_lm.softmax.b"])
def test_the_array_that_is_not_finite_is_named(tmp_path, spoil, where):
    spoil(4, where=where)
    with pytest.raises(UserError, match=r"^training stopped at epoch 1, step 4: ") as caught:
        run(tmp_path)
    assert f"not finite: {where.removeprefix('model.')};" in str(caught.value)


HUGE = "model.forward_lm.softmax.b"     # added to the logits: a value of 1e30 makes a loss of 1e30, not infinity


@pytest.fixture
def diverge(monkeypatch):
    """diverge(first, last): from one step to another, counted over all epochs, a wrong word is 1e30 nats likelier."""
    def diverge(first, last=10**9):
        done = []

        def step(self, batch, whole=Trainer._step):
            bias, bos = parameters(self.elmo)[HUGE].value, self.vocabulary.bos      # never a forward target
            if len(done) in (first, last + 1):
                bias[bos] = 1e30 if len(done) == first else 0
            whole(self, batch)
            done.append(batch)
        monkeypatch.setattr(Trainer, "_step", step)
    return diverge


@pytest.mark.parametrize("save_every", [0, 1])
def test_a_loss_that_stays_far_above_log_v_stops_training(tmp_path, diverge, each_backend, save_every):
    """Finite values alone prove nothing: on some processors an overflow gives large finite values."""
    diverge(5)
    with pytest.raises(UserError, match=r"^training stopped at epoch 3, step \d+: loss forward 1e\+30, ") as caught:
        run(tmp_path, "epochs=10", "optimizer=sgd", f"save_every={save_every}")
    message, last = str(caught.value), tmp_path / "last.safetensors"
    assert "; above 10 log V for 100 steps in a row; last good checkpoint: " in message
    kept = "epoch 1, step 4" if save_every else "epoch 1, step 0"
    assert f"{last} ({kept}); start another run with a lower learning_rate (now 0.01)" in message
    assert "\n" not in message
    assert not (tmp_path / "model.safetensors").exists()
    assert abs(parameters(ELMo.load(last))[HUGE].value).max() < 10
    for row in rows(tmp_path, "train") + rows(tmp_path):
        assert all("inf" not in value and len(value) < 15 for value in row.values())
    assert {row["forward_perplexity"] for row in rows(tmp_path)} == {""}


def test_a_short_spike_of_the_loss_stops_nothing(tmp_path, diverge):
    diverge(5, last=9)
    run(tmp_path, "epochs=4", "optimizer=sgd")
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3", "4"]
    assert float(rows(tmp_path)[-1]["forward_loss"]) < 6.45      # from 6.51


def test_a_training_too_short_to_stop_that_ends_without_a_usable_model_is_an_error(tmp_path, diverge):
    diverge(5)
    with pytest.raises(UserError) as caught:
        run(tmp_path, "epochs=1", "optimizer=sgd")
    assert "the validation loss was never below 2 log V in both directions, so no model was kept; last good " \
        f"checkpoint: {tmp_path / 'last.safetensors'} (epoch 1, step 0); start another run" in str(caught.value)
    assert not (tmp_path / "model.safetensors").exists()


def test_a_training_that_ended_without_a_usable_model_says_so_again_when_resumed(tmp_path, diverge, monkeypatch):
    diverge(5)
    monkeypatch.setattr(DivergenceMonitor, "count", lambda *_: None)        # or nothing is saved
    with pytest.raises(UserError):
        run(tmp_path, "epochs=1", "optimizer=sgd")
    with pytest.raises(UserError) as caught:
        run(tmp_path, "epochs=1", "optimizer=sgd", resume=True)
    assert str(caught.value).startswith(
        f"{tmp_path}: the validation loss was never below 2 log V in both directions, so no model was kept; start "
        "another run with a lower learning_rate (now 0.01)")


def test_ctrl_c_in_a_training_that_goes_wrong_keeps_the_last_good_checkpoint(tmp_path, diverge, monkeypatch):
    diverge(5)
    with pytest.raises(UserError) as whole:
        run(tmp_path / "whole", "epochs=10", "optimizer=sgd", "save_every=1")

    def press(place):
        if place.step == 9:
            signal.raise_signal(signal.SIGINT)
    monkeypatch.undo()
    diverge(5)
    with pytest.raises(Interrupted) as stopped:
        run(tmp_path / "stopped", "epochs=10", "optimizer=sgd", "save_every=1", on_step=press)
    last = tmp_path / "stopped/last.safetensors"
    assert str(stopped.value) == (
        "stopped at epoch 1, step 9; the loss has been above 10 log V for 4 steps, so nothing after the last good "
        f"checkpoint is saved: {last} (epoch 1, step 4)")
    assert last.read_bytes() == (tmp_path / "whole/last.safetensors").read_bytes()
    monkeypatch.undo()
    diverge(1)                              # the step that was the sixth
    with pytest.raises(UserError) as resumed:
        run(tmp_path / "stopped", "epochs=10", "optimizer=sgd", "save_every=1", resume=True)
    assert str(resumed.value) == str(whole.value).replace("whole", "stopped")


def test_a_model_that_is_no_better_than_the_unigram_model_is_reported(tmp_path, capsys):
    run(tmp_path / "poor", "epochs=1", "optimizer=sgd", "learning_rate=0.00001", quiet=False)
    said = capsys.readouterr().err.splitlines()[-1]
    trained_on, valid = held_out(CORPUS, 20)
    unigram = unigram_perplexity(Vocabulary.build(trained_on), valid)
    assert re.fullmatch(r"note: the last validation perplexity \(forward [\d.]+, backward [\d.]+\) is not better than "
                        rf"that of the unigram model, which sees no context \({unigram:.2f}\): train for more epochs "
                        r"if the loss was falling; otherwise start another run with a lower learning_rate \(now "
                        r"1e-05\), or set clip_norm, for example clip_norm=5", said)
    run(tmp_path / "good", "epochs=4", "learning_rate=0.05", quiet=False)
    assert "unigram" not in capsys.readouterr().err


def test_a_model_that_has_stopped_learning_above_the_unigram_model_is_reported_at_once_and_at_the_end(tmp_path, capsys):
    run(tmp_path, "epochs=4", "optimizer=sgd", "learning_rate=0.00001", "decay=1e-30", quiet=False)
    said = capsys.readouterr().err.splitlines()
    notes = [i for i, line in enumerate(said) if "is not better than that of the unigram model" in line]
    validations = [i for i, line in enumerate(said) if "  validation perplexity: " in line]
    assert notes == [validations[1] + 1, len(said) - 1]
    assert "if the next epochs are no better, stop (Ctrl-C), and start another run with a lower" in said[notes[0]]
    assert len(validations) == 4
    run(tmp_path / "patient", "epochs=4", "optimizer=sgd", "learning_rate=0.00001", "decay=1e-30", "patience=2",
        quiet=False)
    said = capsys.readouterr().err
    assert said.count("is not better than that of the unigram model") == 2
    assert "validation has not improved" not in said        # and patience would have helped
    run(tmp_path / "short", "epochs=4", "optimizer=sgd", "learning_rate=0.00001", "decay=1e-30", "patience=1",
        quiet=False)
    assert capsys.readouterr().err.count("is not better than that of the unigram model") == 1


def test_infinity_in_validation_alone_stops_training_too(tmp_path, monkeypatch):
    def spoiled(self, epoch=Trainer._end_epoch):
        self.model.forward_lm.softmax.b.value[...] = np.inf
        epoch(self)
    monkeypatch.setattr(Trainer, "_end_epoch", spoiled)
    with pytest.raises(UserError, match=r"not finite: .*softmax\.b"):
        run(tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


def test_a_run_that_fails_in_its_first_epoch_can_go_on(tmp_path, monkeypatch):
    run(tmp_path / "alone")

    def failing(self, batch, step=Trainer._step):
        if self.place.step == 3:
            raise MemoryError
        step(self, batch)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", failing)
        with pytest.raises(MemoryError):
            run(tmp_path / "failed")
    run(tmp_path / "failed", resume=True)
    for name in "model.safetensors", "last.safetensors":
        assert (tmp_path / "failed" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_progress_is_plain_lines_and_quiet_is_silent(tmp_path, capsys):
    run(tmp_path / "one")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    run(tmp_path / "two", quiet=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\r" not in err
    trained_on, _ = held_out(CORPUS, 20)
    targets, words = sum(len(sentence) + 1 for sentence in trained_on), len(Vocabulary.build(trained_on))
    assert re.search(rf"^{targets:,} targets per direction .* to train on, {words:,} words, [\d,]+ parameters, "
                     rf"{math.ceil(targets / 80)} steps per epoch$", err, re.M)
    assert len(re.findall(r"^epoch \d/2  validation perplexity: forward [\d.]+, backward [\d.]+", err, re.M)) == 2


def test_a_terminal_sees_one_line_that_is_rewritten(tmp_path, monkeypatch, capsys, steps):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("elmo_np.runtime.progress.SECONDS_BETWEEN_REWRITES", 0.0)
    monkeypatch.setenv("COLUMNS", "100")
    run(tmp_path, quiet=False)
    shown = capsys.readouterr().err
    assert shown.count("\r") > len(steps)
    assert re.search(r"\repoch 1/2  step 1/\d\d  \d+:\d\d left  loss \d+\.\d+  perplexity fwd [\d.]+ bwd [\d.]+  "
                     r"[\d,]+ tokens/s", shown)


def test_training_does_not_change_the_corpus_or_numpys_settings(tmp_path):
    corpus, before = [list(sentence) for sentence in CORPUS[:60]], np.geterr()
    run(tmp_path, corpus=corpus)
    assert corpus == [list(sentence) for sentence in CORPUS[:60]]
    assert np.geterr() == before


def test_a_corpus_is_opened_by_its_name(tmp_path):
    path, valid = tmp_path / "train.txt", tmp_path / "valid.txt"
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in CORPUS[:100]))
    valid.write_text("".join(" ".join(sentence) + "\n" for sentence in CORPUS[100:120]))
    run(tmp_path / "file", corpus=str(path), valid=str(valid))
    run(tmp_path / "list", corpus=CORPUS[:100], valid=CORPUS[100:120])
    assert RunDirectory(tmp_path / "file").last.read_bytes() == RunDirectory(tmp_path / "list").last.read_bytes()


def test_a_step_that_spoils_an_array_is_not_saved_as_a_good_checkpoint(tmp_path, monkeypatch):
    def spoiling(self, scale, step=SGD.step):
        step(self, scale)
        next(iter(self.parameters.values())).value[0] = np.inf      # of the first word, which few batches have
    monkeypatch.setattr(SGD, "step", spoiling)
    with pytest.raises(UserError, match=r"^training stopped at epoch 1, step \d+: .*; not finite: forward_lm\.emb"):
        run(tmp_path, "optimizer=sgd", "save_every=1")
    assert finite(RunDirectory(tmp_path).last)


def test_an_empty_name_is_no_folder_to_write_into(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="the run's directory has an empty name: expected the name of a folder"):
        run("")
    assert list(tmp_path.iterdir()) == []


def test_no_row_of_the_curve_is_a_mean_over_the_few_words_that_an_epoch_ends_with(tmp_path):
    run(tmp_path, "epochs=1", "batch_size=2", "steps=3")
    tokens = [int(row["tokens"]) for row in rows(tmp_path, "train")]
    assert len(tokens) >= 15
    assert sum(tokens) == int(sum(len(sentence) + 1 for k, sentence in enumerate(CORPUS, 1) if k % 20))
    assert tokens[-1] >= max(tokens) / 2


@pytest.fixture
def scales(monkeypatch):
    """What each batch's loss is multiplied by, in turn."""
    seen = []

    def backward(self, dloss, cache, whole=BiLM.backward):
        seen.append(dloss)
        whole(self, dloss, cache)
    monkeypatch.setattr(BiLM, "backward", backward)
    return seen


def test_a_loss_summed_over_steps_gives_the_few_words_of_a_last_batch_no_more_weight_than_others(tmp_path, scales):
    """A row's sum of its losses, averaged over rows: a mean times the steps would let three words move as 80 do."""
    run(tmp_path, "epochs=1", "loss_scale=steps", "streams=contiguous")
    sizes = [batch.tokens for batch in contiguous_batches(
        [[0, *range(len(sentence)), 1] for k, sentence in enumerate(CORPUS, 1) if k % 20], 8, 10)]
    assert sizes[0] == 80
    assert sizes[-1] < 40
    assert scales == [tokens / 8 for tokens in sizes]


def test_half_of_the_steps_is_what_the_original_elmo_scales_its_loss_by(tmp_path, scales):
    run(tmp_path, "epochs=1", "loss_scale=elmo", "steps=20", "streams=contiguous")
    assert scales[0] == 20 / 2            # 20 times the mean of the two directions' means
    assert len(set(scales)) > 1           # the last batches have fewer targets


def test_a_model_that_does_not_predict_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="predict = false: expected predict = true, because a language model learns"):
        run(tmp_path / "run", "predict=false")
    assert not (tmp_path / "run").exists()


CHARACTERS = ["char_filters=[[1, 4], [3, 8]]", "char_dim=4", "max_characters=12", "projection_dim=8", "hidden_dim=12",
              "layers=2", "residual=true", "dropout=0.1", "min_count=4"]


@pytest.mark.parametrize("parts", [["share_embedding=true", "share_softmax=true", "softmax=sampled", "samples=20"],
                                   ["share_embedding=true"], ["softmax=adaptive", "cutoffs=[20]"],
                                   ["state=reset", "share_embedding=true"], ["streams=contiguous", "shuffle=0"]])
def test_a_model_of_characters_learns_and_reads_words_that_it_cannot_predict(tmp_path, parts):
    elmo = run(tmp_path, *CHARACTERS, "optimizer=adam", "learning_rate=0.01", "epochs=3", "shuffle=50", *parts)
    valid = [float(row["forward_loss"]) + float(row["backward_loss"]) for row in rows(tmp_path)]
    assert valid[-1] < valid[0] - 0.1
    unknown = {word for sentence in CORPUS for word in sentence} - set(elmo.vocabulary.words)
    assert len(unknown) > 20
    one, other = (elmo.vector(word, [word, "."]) for word in sorted(unknown)[:2])
    assert not np.allclose(one, other)


def test_a_training_on_characters_repeats_itself_and_goes_on_to_the_same_bytes(tmp_path, each_backend):
    parts = [*CHARACTERS, "share_embedding=true", "share_softmax=true", "softmax=sampled", "samples=20", "shuffle=50",
             "optimizer=adagrad", "learning_rate=0.5", "loss_scale=elmo", "clip_norm=10.0"]
    run(tmp_path / "whole", *parts)
    run(tmp_path / "parts", *parts, "epochs=1")
    run(tmp_path / "parts", *parts, resume=True)
    for name in "model.safetensors", "last.safetensors", "vocabulary.txt":
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_the_characters_of_a_batch_are_those_of_its_words(tmp_path, steps):
    """What the model is given: every word spelled, also one that its vocabulary lacks."""
    elmo = run(tmp_path, *CHARACTERS, "epochs=1", "share_embedding=true")
    read_words = set()
    for batch, _ in steps:
        for side in batch:
            for t, b in np.argwhere(np.arange(len(side.x))[:, None] < side.lengths):
                word = bytes(int(k) - 1 for k in side.x[t, b] if 1 <= k <= 256).decode()
                previous = side.y[t-1, b] if t else None
                if word and previous is not None:       # what was the target is the next input
                    assert elmo.vocabulary.id(word) == previous or len(word) == 10
                    read_words.add(word)
    spelled = {word[:10] for k, sentence in enumerate(CORPUS, 1) if k % 20 for word in sentence}
    assert read_words <= spelled
    assert len(read_words - set(elmo.vocabulary.words)) > 10


MARKED = [["<unk>" if word == "about" else word for word in sentence] for sentence in CORPUS]


def test_the_corpus_own_unk_is_the_unknown_word(tmp_path):
    elmo = run(tmp_path, corpus=MARKED)
    vocabulary = elmo.vocabulary
    assert (vocabulary.unknown, "<unk>" in vocabulary) == ("<unk>", False)
    assert vocabulary.count(vocabulary.unk) == sum(s.count("<unk>") for s in held_out(MARKED, 20)[0]) > 0
    assert read_toml(tmp_path / "config.toml", Settings()).data.unknown == "<unk>"
    assert ELMo.load(tmp_path).vocabulary.unknown == "<unk>"
    new = [[word, "zymurgy", "the"] for word, *_ in CORPUS[:40]]
    as_they_are, marked, bare = (
        evaluate(elmo.model, vocabulary, [[word, mark, "the"] for word, _, _ in new])
        for mark in ("zymurgy", "<unk>", "<UNK>"))
    assert as_they_are == marked == bare
    assert as_they_are.unknown >= 40


def test_the_mark_that_was_recognised_holds_when_a_run_is_resumed_or_fine_tuned(tmp_path):
    run(tmp_path / "whole", "epochs=3", corpus=MARKED)
    run(tmp_path / "parts", "epochs=2", corpus=MARKED)
    run(tmp_path / "parts", "epochs=3", corpus=MARKED, resume=True)
    assert contents(tmp_path / "whole")["last.safetensors"] == contents(tmp_path / "parts")["last.safetensors"]
    with pytest.raises(UserError, match=r"^the corpus is not the one .* \[data\] settings$"):
        run(tmp_path / "parts", "epochs=4", "unknown=none", corpus=MARKED, resume=True)
    tuned = run(tmp_path / "tuned", f"fine_tune={tmp_path / 'whole'}", corpus=MARKED[:100])
    assert tuned.vocabulary.unknown == "<unk>"


def test_unknown_none_makes_it_a_word_as_in_0_1(tmp_path):
    elmo = run(tmp_path, "unknown=none", corpus=MARKED)
    assert (elmo.vocabulary.unknown, "<unk>" in elmo.vocabulary) == (None, True)
    assert "unknown" not in checkpoint.load(tmp_path / "model.safetensors")[1]
    with pytest.raises(UserError, match=r"^unknown = '<unk>', but the vocabulary has that word"):
        run(tmp_path / "tuned", f"fine_tune={tmp_path}", "unknown=<unk>", corpus=MARKED)


ONCE = [["the", f"new{k}", "bank"] for k in range(60)]


def test_unk_is_trained_where_no_word_is_unknown_and_resumes_bit_for_bit(tmp_path, capsys):
    elmo = run(tmp_path / "whole", "epochs=8", corpus=ONCE, quiet=False)
    assert "no word is unknown: <UNK> is learnt from the 57 words that occur once" in capsys.readouterr().err
    found = evaluate(elmo.model, elmo.vocabulary, [["the", "zymurgy", "bank"]] * 20)
    asked = evaluate(elmo.model, elmo.vocabulary, [["the", "new0", "bank"]] * 20)
    assert found.forward < asked.forward / 2            # <UNK> is by far the likeliest of these words
    run(tmp_path / "parts", "epochs=5", corpus=ONCE)
    run(tmp_path / "parts", "epochs=8", corpus=ONCE, resume=True)
    assert contents(tmp_path / "whole")["last.safetensors"] == contents(tmp_path / "parts")["last.safetensors"]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("more", [[], ["state=reset", "softmax=sampled", "samples=10"]])
def test_one_direction_trains_and_resumes_to_the_same_bytes_on_any_number_of_threads(tmp_path, direction, more):
    asked = [f"direction={direction}", "dropout=0.2", *more]
    elmo = run(tmp_path / "whole", "epochs=2", *asked)
    for folder, threads in ("one thread", 1), ("parts", 2):
        run(tmp_path / folder, "epochs=1", f"threads={threads}", *asked)
        run(tmp_path / folder, "epochs=2", "threads=2", *asked, resume=True)
        for name in "last.safetensors", "model.safetensors":
            assert contents(tmp_path / folder)[name] == contents(tmp_path / "whole")[name]
    assert list(elmo.model.lms) == [direction]
    first, last = (float(row[f"{direction}_perplexity"]) for row in rows(tmp_path / "whole"))
    assert last < first < len(elmo.vocabulary)
    with pytest.raises(UserError, match=r"^the run began with direction = "):
        run(tmp_path / "whole", "epochs=3", *asked, "direction=both", resume=True)


def test_the_average_is_validated_and_kept_and_the_weights_are_trained_on(tmp_path):
    """With a decay of 0 the average is the weights themselves."""
    for out, settings in {"plain": (), "same": ("average=ema", "average_decay=0"), "mean": ("average=ema",)}.items():
        run(tmp_path / out, *settings)
    last = {out: checkpoint.load(tmp_path / out / "last.safetensors")[0] for out in ("plain", "same", "mean")}
    best = {out: checkpoint.load(tmp_path / out / "model.safetensors")[0] for out in ("plain", "same", "mean")}
    assert not any(name.startswith("average.") for name in last["plain"])
    own = [name for name in best["plain"] if name.startswith("model.")]
    for name in own:
        average = last["mean"][name.replace("model.", "average.", 1)]
        assert last["plain"][name].tobytes() == last["mean"][name].tobytes()
        assert best["plain"][name].tobytes() == best["same"][name].tobytes()
        np.testing.assert_array_equal(best["mean"][name], average)
        assert not np.array_equal(average, last["mean"][name])
    losses = {out: [row["forward_loss"] for row in rows(tmp_path / out)] for out in last}
    assert losses["plain"] == losses["same"] != losses["mean"]
    elmo = ELMo.load(tmp_path / "mean")
    _, valid = held_out(CORPUS, 20)
    found = evaluate(elmo.model, elmo.vocabulary, valid, state="carry")
    assert f"{math.log(found.forward):.6g}"[:6] == losses["mean"][-1][:6]


def test_nt_asgd_begins_after_the_epoch_that_is_worse_and_says_so(tmp_path, capsys):
    settings = ("optimizer=sgd", "learning_rate=20", "momentum=0", "average=asgd", "average_wait=1", "epochs=6")
    run(tmp_path, *settings, corpus=CORPUS[:60], quiet=False)
    curve = [float(row["forward_loss"]) + float(row["backward_loss"]) for row in rows(tmp_path)]
    begun = next(k for k in range(2, 6) if curve[k] > min(curve[:k - 1]))
    said = capsys.readouterr().err
    assert said.count("NT-ASGD") == 1
    assert said.index(f"epoch {begun + 1}/6  validation") < said.index("NT-ASGD")
    tensors, texts = checkpoint.load(tmp_path / "last.safetensors")
    an_epoch = int(tensors["optimizer.steps"]) // 6
    assert tensors["average.steps"] == (5 - begun) * an_epoch
    assert len(json.loads(texts["place"])["losses"]) == begun + 1


def test_random_steps_train_at_a_rate_in_proportion_to_them_where_the_loss_is_a_mean(tmp_path, monkeypatch):
    seen = []

    def noted(self, scale, step=SGD.step):
        seen.append(self.learning_rate)
        step(self, scale)
    monkeypatch.setattr(SGD, "step", noted)
    for scale in "mean", "steps":
        run(tmp_path / scale, "optimizer=sgd", "learning_rate=0.5", "random_steps=true", f"loss_scale={scale}",
            "epochs=1")
    lengths = [*islice(RandomSteps(10, (0, 5, 1)), len(seen) // 2)]
    assert seen == [0.5 * T / 10 for T in lengths] + [0.5] * len(lengths)
    assert {row["learning_rate"] for row in read(tmp_path / "mean/metrics.csv")} == {"0.5"}


@pytest.mark.parametrize(("settings", "message"), [
    (["random_steps=true", "state=reset"], "random_steps = true with state = reset: expected state = carry, because"),
    (["weight_decay=200"], "weight_decay = 200.0 with learning_rate = 0.01: expected a product less than 1, because"),
])
def test_settings_that_do_not_go_together_are_refused(settings, message):
    with pytest.raises(UserError) as caught:
        tiny(*settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("settings", "kind"), [
    ({"optimizer": "sgd", "momentum": 0.3, "nesterov": True}, SGD), ({"optimizer": "adagrad"}, Adagrad),
    ({"optimizer": "adam"}, Adam)])
def test_the_optimiser_is_the_one_of_the_settings(settings, kind):
    config = TrainConfig(learning_rate=0.5, weight_decay=0.1, **settings)
    found = make_optimizer(config, {"w": Parameter(np.zeros(2))})
    assert type(found) is kind
    assert (found.learning_rate, found.decay) == (0.5, 0.1)
    if kind is SGD:
        assert (found.momentum, found.nesterov) == (0.3, True)


def text_of(trainer, epoch):
    """The ids of the sentences that an epoch reads, in one row."""
    trainer.place.epoch = epoch
    y = np.concatenate([batch.forward.y[batch.forward.y >= 0] for batch in trainer._batches()])
    return [sentence.tolist() for sentence in np.split(y, 1 + np.flatnonzero(y == trainer.vocabulary.eos))[:-1]]


def test_every_epoch_reads_all_shards_in_an_order_of_its_own(tmp_path):
    shards = str(write_shards(tmp_path / "shards"))
    settings = tiny("batch_size=1", "min_count=2", "shards=true")
    corpora = open_corpora(shards, None, settings)
    trainer = Trainer(*corpora, RunDirectory(tmp_path / "run"), settings, Progress(quiet=True))
    trainer.prepare()
    assert trainer.vocabulary == Vocabulary.build(corpora[0], 2)
    texts = [text_of(trainer, epoch) for epoch in range(1, 5)]
    for epoch, text in enumerate(texts, 1):
        order = corpora[0].shuffled((settings.train.seed, 7, epoch))
        assert text == [trainer.vocabulary.encode(sentence)[1:] for sentence in order]
    assert len({str(text) for text in texts}) > 2


class Killed(Exception):
    pass


@pytest.mark.parametrize("settings", [["streams=contiguous"], ["state=reset", "shuffle=20"]])
def test_a_run_that_is_killed_within_a_shard_goes_on_to_the_same_bytes(tmp_path, settings):
    shards = write_shards(tmp_path / "shards", CORPUS[:200])
    asked = ["shards=true", "epochs=2", "save_every=5", *settings]
    run(tmp_path / "whole", *asked, corpus=str(shards))
    places = []

    def kill(place):
        if (place.epoch, place.step) == (2, 14):
            raise Killed
    with pytest.raises(Killed):
        run(tmp_path / "parts", *asked, corpus=str(shards), on_step=kill)
    run(tmp_path / "parts", *asked, corpus=str(shards), resume=True, on_step=lambda place: places.append(str(place)))
    assert places[0] == "epoch 2, step 11"
    for name in "config.toml", "model.safetensors", "last.safetensors":
        assert contents(tmp_path / "whole")[name] == contents(tmp_path / "parts")[name]
    (shards / "d.txt").unlink()
    with pytest.raises(UserError, match=r"^the corpus is not the one that .* was trained or validated on: resume with"):
        run(tmp_path / "parts", *asked, "epochs=3", corpus=str(shards), resume=True)
