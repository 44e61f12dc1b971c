"""Going on: a training that was stopped, however often, ends in the bytes of one that was left alone."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from elmo_np.cli.main import main
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import read_toml
from elmo_np.data import batches
from elmo_np.errors import UserError
from elmo_np.inference.elmo import load_model
from elmo_np.io import safetensors_file as checkpoint
from elmo_np.runtime.signals import Interrupted
from elmo_np.training import trainer
from elmo_np.training.checkpointing import TrainingState
from elmo_np.training.metrics import read
from elmo_np.training.trainer import Trainer, train
from tests import strict_warnings
from tests.training_helpers import CORPUS, contents, run, tiny

FEW = CORPUS[:60]
SMALL = ("batch_size=4", "steps=6")
MODELS = ("model.safetensors", "last.safetensors")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    run(out, *SMALL, corpus=FEW)
    return out


@pytest.fixture
def finished(trained, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def after(monkeypatch):
    """after(k): press Ctrl-C in the step number k from here; after(None): in none. after.steps counts them."""
    class After:
        def __call__(self, k):
            self.k, self.steps = k, 0

        def step(self, trainer, batch, step=Trainer._step):
            step(trainer, batch)
            self.steps += 1
            if self.steps == self.k:
                signal.raise_signal(signal.SIGINT)

    made = After()
    made(None)
    monkeypatch.setattr(Trainer, "_step", lambda trainer, batch: made.step(trainer, batch))
    return made


def in_pieces(after, out, pieces, *assignments):
    """Train, press Ctrl-C after so many steps, go on, press again ..., and at last be left alone."""
    for number, k in enumerate(pieces):
        after(k)
        with pytest.raises(Interrupted, match=r"^stopped at epoch \d+, step \d+; everything is in .*last\.safetensors"):
            run(out, *SMALL, *assignments, corpus=FEW, resume=number > 0)
        assert after.steps == k
    after(None)
    run(out, *SMALL, *assignments, corpus=FEW, resume=bool(pieces))


def test_ctrl_c_in_the_last_validation_stops_what_comes_after_the_training(tmp_path, monkeypatch):
    def evaluated(*args, real=trainer.evaluate, **options):
        signal.raise_signal(signal.SIGINT)
        return real(*args, **options)
    monkeypatch.setattr(trainer, "evaluate", evaluated)
    with pytest.raises(Interrupted, match=r"^stopped after the last epoch; the model is .*model\.safetensors"):
        run(tmp_path / "stopped", *SMALL, "epochs=1", corpus=FEW)
    monkeypatch.undo()
    run(tmp_path / "whole", *SMALL, "epochs=1", corpus=FEW)
    for file in "last.safetensors", "model.safetensors":
        assert (tmp_path / "stopped" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_a_validation_that_is_not_repeated_keeps_its_row(tmp_path, after):
    """The model may be of that validation; eval_every may change."""
    def killed(place):
        if place.step == 6:
            raise InterruptedError
    with pytest.raises(InterruptedError):
        run(tmp_path, *SMALL, "epochs=1", "eval_every=5", "save_every=5", corpus=FEW, on_step=killed)
    rows = [row for row in but_for_seconds(tmp_path) if row["split"] == "valid"]
    run(tmp_path, *SMALL, "epochs=1", "eval_every=0", "save_every=5", corpus=FEW, resume=True)
    assert [row["step"] for row in rows] == ["5"]
    assert next(row for row in but_for_seconds(tmp_path) if row["split"] == "valid") == rows[0]


def but_for_seconds(folder):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in read(folder / "metrics.csv")]


def same(one, two):
    assert but_for_seconds(one) == but_for_seconds(two)
    return [name for name, data in contents(one).items() if data != (two / name).read_bytes()] in ([], ["metrics.csv"])


REGULARISERS = ("dropout=0.2", "input_dropout=0.3", "output_dropout=0.1", "locked_dropout=true",
                "embedding_dropout=0.1", "weight_drop=0.3", "ar=2.0", "tar=1.0", "weight_decay=0.001",
                "random_steps=true", "label_smoothing=0.1")
VARIANTS = [
    ["optimizer=sgd", "learning_rate=0.3", "momentum=0.9", "nesterov=true", "clip_norm=1.0", "decay=0.5"],
    ["optimizer=adagrad", "learning_rate=0.3", "share_embedding=true", "share_softmax=true"],
    ["optimizer=adam", "dropout=0.3", "shuffle=20"],
    ["optimizer=adam", "dropout=0.3", "shuffle=20", "state=reset"],
    ["optimizer=adam", "softmax=adaptive", "cutoffs=[8, 20]", "share_softmax=true"],
    ["optimizer=adagrad", "streams=contiguous", "tie=true", "dropout=0.2", "layers=2", "projection_dim=8"],
    ["optimizer=adam", "softmax=adaptive", "cutoffs=[8, 20]", "tie=true", "share_embedding=true", "share_softmax=true",
     "hidden_dim=11", "average=ema", *REGULARISERS],
    ["optimizer=adagrad", "softmax=sampled", "samples=9", "tie=true", "projection_dim=9", "direction=forward"],
    ["cell=gru", "optimizer=adam", "layers=2", "residual=true", "dropout=0.2"],
    ["cell=gru", "optimizer=adam", "state=reset"],
    ["optimizer=adam", "layers=2", "projection_dim=8", "clip_norm=1.0", "eval_every=4", "save_every=3", "average=ema",
     "average_decay=0.9", *REGULARISERS],
]


@pytest.mark.parametrize("variant", VARIANTS, ids=" ".join)
def test_training_stopped_again_and_again_ends_in_the_same_bytes(tmp_path, after, each_backend, variant):
    run(tmp_path / "alone", *SMALL, *variant, corpus=FEW)
    an_epoch = after.steps // 2
    # inside the first epoch, twice; exactly at its end, before the validation; inside the second
    in_pieces(after, tmp_path / "pieces", [3, 2, an_epoch - 5, 4], *variant)
    assert same(tmp_path / "pieces", tmp_path / "alone")


def test_with_all_regularisers_every_step_is_a_good_one_to_stop_at(tmp_path, after):
    """Validation is worse after the second epoch, so the mean of NT-ASGD begins on the way."""
    settings = ("cell=gru", "optimizer=sgd", "learning_rate=3.0", "average=asgd", "average_wait=0", "epochs=4",
                "share_embedding=true", "char_filters=[[1, 4], [2, 4]]", "batch_size=8", "steps=20", *REGULARISERS)
    few = {"corpus": CORPUS[:40], "valid": CORPUS[60:70]}
    run(tmp_path / "alone", *settings, **few)
    steps, last = after.steps, checkpoint.load(tmp_path / "alone/last.safetensors")[0]
    assert 0 < last["average.steps"] < steps
    for number in range(steps):
        after(1)
        with pytest.raises(Interrupted):
            run(tmp_path / "pieces", *settings, resume=number > 0, **few)
    after(None)
    run(tmp_path / "pieces", *settings, resume=True, **few)
    assert same(tmp_path / "pieces", tmp_path / "alone")


def test_a_stop_between_the_parts_of_a_long_sentence_changes_nothing(tmp_path, after, monkeypatch):
    monkeypatch.setattr(batches, "MOST", 8)
    monkeypatch.setattr(batches, "PER_COLUMN", 1)
    long = [[*CORPUS[0], *CORPUS[1]] * 2, *FEW[:10]]
    settings, few = ("state=reset", "dropout=0.3", "batch_size=2"), {"corpus": long, "valid": CORPUS[60:70]}
    run(tmp_path / "alone", *settings, **few)
    after(after.steps // 2 - 2)
    with pytest.raises(Interrupted):
        run(tmp_path / "pieces", *settings, **few)
    after(None)
    run(tmp_path / "pieces", *settings, resume=True, **few)
    assert same(tmp_path / "pieces", tmp_path / "alone")


@pytest.mark.parametrize("which", ["first", "last but one", "last of an epoch", "first of an epoch", "very last"])
def test_any_step_is_a_good_one_to_stop_at(tmp_path, after, which):
    run(tmp_path / "alone", *SMALL, corpus=FEW)
    an_epoch = after.steps // 2
    k = {"first": 1, "last but one": an_epoch - 1, "last of an epoch": an_epoch,
         "first of an epoch": an_epoch + 1, "very last": 2 * an_epoch}[which]
    in_pieces(after, tmp_path / "pieces", [k])
    assert same(tmp_path / "pieces", tmp_path / "alone")


def test_a_row_of_the_curve_that_was_begun_is_finished(tmp_path, after):
    small = ("batch_size=2", "steps=4")
    run(tmp_path / "alone", *small, corpus=FEW)
    assert after.steps // 2 >= 60                   # a row every third step or more
    in_pieces(after, tmp_path / "pieces", [7, 1, after.steps // 2 - 3], *small)
    assert same(tmp_path / "pieces", tmp_path / "alone")


@pytest.mark.parametrize("epochs_more", [1, 3])
def test_the_best_validation_and_the_patience_since_are_remembered(tmp_path, after, epochs_more):
    few = {"corpus": CORPUS[:20], "valid": CORPUS[20:30]}
    settings = ("epochs=40", "learning_rate=0.05", "batch_size=2", "patience=4")
    run(tmp_path / "alone", *settings, **few)
    curve = [float(row["forward_loss"]) + float(row["backward_loss"]) for row in read(tmp_path / "alone/metrics.csv")
             if row["split"] == "valid"]
    best, an_epoch = int(np.argmin(curve)) + 1, after.steps // len(curve)
    assert len(curve) == best + 4 < 40
    after((best + epochs_more) * an_epoch + 1)      # in an epoch that is worse, after others that were
    with pytest.raises(Interrupted):
        run(tmp_path / "pieces", *settings, **few)
    after(None)
    run(tmp_path / "pieces", *settings, resume=True, **few)
    assert same(tmp_path / "pieces", tmp_path / "alone")


def test_ctrl_c_in_a_validation_stops_after_the_next_step(tmp_path, after, monkeypatch):
    run(tmp_path / "alone", *SMALL, corpus=FEW)
    with monkeypatch.context() as patch:
        def pressed(self, epoch=Trainer._end_epoch):
            signal.raise_signal(signal.SIGINT)
            epoch(self)
        patch.setattr(Trainer, "_end_epoch", pressed)
        with pytest.raises(Interrupted, match=r"^stopped at epoch 2, step 1; everything is in "):
            run(tmp_path / "pieces", *SMALL, corpus=FEW)
    run(tmp_path / "pieces", *SMALL, corpus=FEW, resume=True)
    assert same(tmp_path / "pieces", tmp_path / "alone")


def test_what_is_saved_in_between_changes_nothing(tmp_path, after):
    run(tmp_path / "alone", *SMALL, "save_every=5", corpus=FEW)
    in_pieces(after, tmp_path / "pieces", [12], "save_every=5")
    assert same(tmp_path / "pieces", tmp_path / "alone")
    run(tmp_path / "never", *SMALL, corpus=FEW)
    tensors = [checkpoint.load(tmp_path / name / "last.safetensors")[0] for name in ("alone", "never")]
    assert all(array.tobytes() == tensors[1][name].tobytes() for name, array in tensors[0].items())


@pytest.mark.parametrize("save_every", [0, 4, 5])
def test_validations_within_an_epoch_change_no_step_and_are_resumed_to_the_same_bytes(tmp_path, after, save_every):
    settings = ("eval_every=4", f"save_every={save_every}", "dropout=0.2", "learning_rate=0.05")
    run(tmp_path / "alone", *SMALL, *settings, corpus=FEW)
    an_epoch = after.steps // 2
    in_pieces(after, tmp_path / "pieces", [4, 3, 1, an_epoch - 8, 9], *settings)      # at a validation, and elsewhere
    assert same(tmp_path / "pieces", tmp_path / "alone")
    run(tmp_path / "never", *SMALL, *settings, "eval_every=0", corpus=FEW)
    tensors = [checkpoint.load(tmp_path / name / "last.safetensors")[0] for name in ("alone", "never")]
    assert all(array.tobytes() == tensors[1][name].tobytes() for name, array in tensors[0].items())


def test_the_speed_and_the_time_left_are_those_of_the_last_minutes():
    place = TrainingState()
    for k in range(1000):
        place.count(place.last, tokens=100, seconds=0.3 if k % 100 < 20 else 0.05)     # a burst of other work at times
        if k > 300:
            assert place.seconds_per_step == pytest.approx(0.1, rel=0.3)
            assert place.speed == pytest.approx(1000, rel=0.3)
    for _ in range(3000):
        place.count(place.last, tokens=100, seconds=0.2)
    assert place.seconds_per_step == pytest.approx(0.2, rel=0.01)
    assert place.seconds == pytest.approx(100 + 600)


class Killed(BaseException):
    """As if the power went out."""


@pytest.mark.parametrize("when", ["after a step", "after the validation", "between both model files"])
def test_a_run_that_was_killed_goes_on_from_its_last_save(tmp_path, after, monkeypatch, when):
    run(tmp_path / "alone", *SMALL, "save_every=1", corpus=FEW)
    an_epoch = after.steps // 2
    after(None)

    def killed(*args, **kwargs):
        raise Killed
    with monkeypatch.context() as patch:
        if when == "after a step":      # its row of metrics.csv is written, and it is not saved
            save = Trainer._save

            def killed_save(self, random=None):
                if after.steps == an_epoch + 7:
                    raise Killed
                save(self, random)
            patch.setattr(Trainer, "_save", killed_save)
        elif when == "after the validation":
            patch.setattr(TrainingState, "next_epoch", killed)
        else:
            def end(self, epoch=Trainer._end_epoch):
                self._save = killed
                epoch(self)
            patch.setattr(Trainer, "_end_epoch", end)
        with pytest.raises(Killed):
            run(tmp_path / "pieces", *SMALL, "save_every=1", corpus=FEW)
    run(tmp_path / "pieces", *SMALL, "save_every=1", corpus=FEW, resume=True)
    assert same(tmp_path / "pieces", tmp_path / "alone")


def test_ctrl_c_pressed_twice_stops_at_once(tmp_path, monkeypatch):
    def twice(self, batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Trainer, "_step", twice)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert signal.getsignal(signal.SIGINT) is before


def test_training_works_in_a_thread_that_may_not_catch_signals(tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(run(tmp_path, *SMALL, corpus=FEW)))
    thread.start()
    thread.join()
    assert len(found) == 1
    assert (tmp_path / "model.safetensors").exists()


def text(path, sentences):
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in sentences))
    return path


def test_ctrl_c_at_the_command_line_saves_says_how_to_go_on_and_exits_with_130(tmp_path, capsys):
    corpus = text(tmp_path / "corpus.txt", CORPUS[:150])
    # Saving at every step makes it slow enough to be caught.
    settings = [word for key in ("hidden_dim=8", "embedding_dim=8", "batch_size=2", "steps=4", "optimizer=adam",
                                 "dropout=0.1", "min_count=1", "save_every=1") for word in ("--set", key)]

    def words(out, *more):
        return ["train", str(corpus), "--out", str(tmp_path / out), "--preset", "demo", "--epochs", "2", *settings,
                *more]
    assert main(words("alone")) == 0
    process = subprocess.Popen([sys.executable, *strict_warnings.OPTIONS, "-m", "elmo_np", *words("pieces")],
                               stderr=subprocess.PIPE, text=True, stdout=subprocess.PIPE)
    for _ in range(3000):
        curve = tmp_path / "pieces/metrics.csv"
        if process.poll() is not None or (curve.exists() and len(curve.read_text().splitlines()) > 1):
            break       # the loop has begun
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    last = tmp_path / "pieces/last.safetensors"
    assert process.returncode == 130
    assert out == ""
    assert re.search(rf"^elmo-np: stopped at epoch \d, step \d+; everything is in {re.escape(str(last))}; "
                     r"to go on: the same command with --resume\n\Z", err, re.M)
    assert "Traceback" not in err
    capsys.readouterr()
    assert main(words("pieces", "--resume")) == 0
    assert re.search(r"^resuming at epoch \d, step \d+$", capsys.readouterr().err, re.M)
    assert but_for_seconds(tmp_path / "pieces") == but_for_seconds(tmp_path / "alone")
    for name in MODELS:
        assert (tmp_path / "pieces" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_resuming_a_finished_run_changes_nothing(finished):
    before = contents(finished)
    run(finished, *SMALL, corpus=FEW, resume=True)
    assert contents(finished) == before


def test_resuming_a_run_that_ran_out_of_patience_changes_nothing(tmp_path):
    few = {"corpus": CORPUS[:20], "valid": CORPUS[20:30]}
    settings = ("epochs=30", "learning_rate=0.05", "batch_size=2", "patience=2")
    run(tmp_path, *settings, **few)
    before = contents(tmp_path)
    run(tmp_path, *settings, **few, resume=True)
    assert contents(tmp_path) == before


def test_a_finished_run_goes_on_with_more_epochs(tmp_path):
    run(tmp_path / "once", *SMALL, "epochs=4", "momentum=0.5", corpus=FEW)
    run(tmp_path / "twice", *SMALL, "epochs=2", "momentum=0.5", corpus=FEW)
    run(tmp_path / "twice", *SMALL, "epochs=4", "momentum=0.5", corpus=FEW, resume=True)
    assert same(tmp_path / "twice", tmp_path / "once")
    assert read_toml(tmp_path / "twice/config.toml", Settings()).train.epochs == 4


@pytest.mark.parametrize("change", ["patience=7", "threads=2", "save_every=9"])
def test_settings_that_change_no_step_may_change(tmp_path, after, change):
    run(tmp_path / "alone", *SMALL, corpus=FEW)
    after(5)
    with pytest.raises(Interrupted):
        run(tmp_path / "pieces", *SMALL, corpus=FEW)
    after(None)
    run(tmp_path / "pieces", *SMALL, change, corpus=FEW, resume=True)
    for name in MODELS:
        one, two = (checkpoint.load(tmp_path / out / name)[0] for out in ("alone", "pieces"))
        assert all(array.tobytes() == two[key].tobytes() for key, array in one.items())


@pytest.mark.parametrize(("change", "message"), [
    ("batch_size=5", "batch_size = 4, now it is 5"), ("steps=7", "steps = 6, now it is 7"),
    ("seed=3", "seed = 0, now it is 3"), ("learning_rate=0.5", "learning_rate = 0.01, now it is 0.5"),
    ("hidden_dim=9", "hidden_dim = 8, now it is 9"), ("dropout=0.5", "dropout = 0.0, now it is 0.5"),
    ("cell=gru", "cell = lstm, now it is gru"),
    ("optimizer=sgd", "optimizer = adam, now it is sgd"), ("state=reset", "state = carry, now it is reset"),
    ("shuffle=3", "shuffle = 0, now it is 3"), ("tie=true", "tie = False, now it is True"),
    ("min_count=2", "the corpus is not the one"), ("held_out=7", "the corpus is not the one"),
    ("max_vocabulary=50", "the corpus is not the one"),
])
def test_other_settings_are_refused_by_name_and_nothing_is_lost(finished, change, message):
    before = contents(finished)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        run(finished, *SMALL, change, corpus=FEW, resume=True)
    assert "\n" not in str(caught.value)
    assert contents(finished) == before


@pytest.mark.parametrize("corpus", [CORPUS[:58], CORPUS[1:61], [("quite", "another", "."), *CORPUS[1:60]]],
                         ids=["a shorter one", "a shifted one", "another sentence"])
def test_another_corpus_is_refused_and_nothing_is_lost(finished, corpus):
    before = contents(finished)
    with pytest.raises(UserError, match="the corpus is not the one that"):
        run(finished, *SMALL, corpus=corpus, resume=True)
    assert contents(finished) == before


def test_the_same_sentences_in_another_order_are_another_corpus(tmp_path):
    run(tmp_path, *SMALL, corpus=FEW, valid=CORPUS[60:80])
    with pytest.raises(UserError, match=r"corpus"):
        run(tmp_path, *SMALL, "epochs=3", corpus=FEW[::-1], valid=CORPUS[60:80], resume=True)


def test_another_validation_corpus_is_refused(tmp_path):
    run(tmp_path, *SMALL, corpus=FEW, valid=CORPUS[60:80])
    with pytest.raises(UserError, match=r"valid"):      # "the best model" would compare what cannot be compared
        run(tmp_path, *SMALL, "epochs=3", corpus=FEW, valid=CORPUS[80:90], resume=True)


def test_resuming_without_a_run_is_refused_and_makes_nothing(tmp_path):
    for out in tmp_path, tmp_path / "none":
        with pytest.raises(UserError, match=r"has no last\.safetensors to resume from: expected a folder that"):
            run(out, resume=True)
    assert contents(tmp_path) == {}


def test_a_model_without_a_training_is_nothing_to_go_on_with(finished):
    (finished / "last.safetensors").write_bytes((finished / "model.safetensors").read_bytes())
    before = contents(finished)
    with pytest.raises(UserError, match="holds a model but no state of a training: expected what"):
        run(finished, *SMALL, corpus=FEW, resume=True)
    assert contents(finished) == before


@pytest.mark.parametrize(("name", "value"), [
    ("place", "[1]"), ("place", '{"epoch": "x"}'), ("place", '{"epoch": 0}'), ("place", '{"step": 1e400}'),
    ("place", '{"best": NaN}'), ("place", '{"tokens": -1}'), ("place", '{"more": 1}'), ("place", "[" * 100_000),
    ("rngs", "7"), ("rngs", "[]"), ("rngs", '["a", "b", "c"]'), ("rngs", "{"), ("corpora", "[" * 100_000),
    ("machine", "not JSON"), ("train", "[" * 100_000), ("train", "7"),
])
def test_a_checkpoint_with_other_texts_than_training_writes_is_one_clear_line(finished, name, value):
    last = finished / "last.safetensors"
    tensors, texts = checkpoint.load(last)
    checkpoint.save(last, tensors, {**texts, name: value})
    with pytest.raises(UserError) as caught:
        run(finished, *SMALL, "epochs=9", corpus=FEW, resume=True)
    assert "last.safetensors: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1])
def test_a_state_of_the_optimiser_that_no_step_gives_is_named(tmp_path, bad):
    run(tmp_path, *SMALL, "optimizer=adagrad", corpus=FEW)
    last = tmp_path / "last.safetensors"
    tensors, texts = checkpoint.load(last)
    name = next(name for name in tensors if name.startswith("optimizer.accumulator"))
    checkpoint.save(last, {**tensors, name: np.full_like(tensors[name], bad)}, texts)
    with pytest.raises(UserError, match=r"last\.safetensors: optimiser state accumulator\..*: found"):
        run(tmp_path, *SMALL, "optimizer=adagrad", "epochs=9", corpus=FEW, resume=True)


@pytest.mark.parametrize(("name", "array"), [
    ("state.forward.0.h", np.zeros((3, 2), np.float32)), ("state.backward.0.c", None),
    ("state.forward.0.h", np.zeros(())), ("state.backward.0.c", np.nan), ("state.forward.0.h", np.inf),
])
def test_a_state_of_the_streams_that_does_not_fit_the_model_is_named(tmp_path, after, name, array):
    after(3)
    with pytest.raises(Interrupted):
        run(tmp_path, *SMALL, corpus=FEW)
    after(None)
    last = tmp_path / "last.safetensors"
    tensors, texts = checkpoint.load(last)
    before = tensors.pop(name)
    assert before.ndim == 2
    array = np.full_like(before, array) if isinstance(array, float) else array
    checkpoint.save(last, tensors if array is None else {**tensors, name: array}, texts)
    with pytest.raises(UserError, match=rf"last\.safetensors: {name} is not what `train` writes"):
        run(tmp_path, *SMALL, corpus=FEW, resume=True)


@pytest.mark.parametrize("where", [0, 20, 0.3, 0.9, "short", "empty"])
def test_a_damaged_checkpoint_is_one_clear_line_and_stays_as_it_is(finished, where):
    last = finished / "last.safetensors"
    data = bytearray(last.read_bytes())
    if isinstance(where, str):
        data = data[:len(data) // 2] if where == "short" else bytearray()
    else:
        data[int(where * len(data)) if 0 < where < 1 else int(where)] ^= 64
    last.write_bytes(data)
    before = contents(finished)
    with pytest.raises(UserError, match=rf"^{re.escape(str(last))} is (damaged|not an elmo_np model file)") as caught:
        run(finished, *SMALL, corpus=FEW, resume=True)
    assert "\n" not in str(caught.value)
    assert contents(finished) == before


@pytest.mark.parametrize("damage", ["train,1,4", "train,one,4,24,4,4,55,55,0.01,0.1",
                                    "train,1,four,24,4,4,55,55,0.01,0.1", "\x00\xff"])
def test_a_damaged_curve_is_one_clear_line_and_nothing_is_lost(finished, damage):
    with open(finished / "metrics.csv", "a", encoding="latin-1") as file:
        file.write(damage + "\n")
    before = contents(finished)
    with pytest.raises(UserError, match=r"metrics\.csv") as caught:
        run(finished, *SMALL, "epochs=3", corpus=FEW, resume=True)
    assert "\n" not in str(caught.value)
    assert contents(finished) == before


def test_a_curve_that_was_removed_begins_anew(tmp_path, after):
    after(5)
    with pytest.raises(Interrupted):
        run(tmp_path, *SMALL, corpus=FEW)
    (tmp_path / "metrics.csv").unlink()
    after(None)
    run(tmp_path, *SMALL, corpus=FEW, resume=True)
    assert [row["epoch"] for row in read(tmp_path / "metrics.csv") if row["split"] == "valid"] == ["1", "2"]


def test_the_other_backend_goes_on_and_says_that_the_bits_differ(tmp_path, after, capsys):
    from elmo_np import backend
    if backend.why_not():
        pytest.skip(backend.why_not())
    after(5)
    with backend.use("cython"), pytest.raises(Interrupted):
        run(tmp_path, *SMALL, corpus=FEW)
    after(None)
    with backend.use("numpy"):
        train(FEW, tmp_path, settings=tiny(*SMALL), resume=True)
    assert "not the same bit for bit" in capsys.readouterr().err


def test_a_checkpoint_holds_the_place_the_generators_and_the_state_of_the_streams(tmp_path, after):
    after(5)
    with pytest.raises(Interrupted):
        run(tmp_path, *SMALL, "dropout=0.1", "layers=2", corpus=FEW)
    _, tensors, texts = load_model(tmp_path / "last.safetensors")
    assert {"place", "rngs"} <= set(texts)
    assert '"step": 5' in texts["place"]
    for direction in "forward", "backward":
        for layer in "01":
            for part in "hc":
                state = tensors[f"state.{direction}.{layer}.{part}"]
                assert state.shape == (4, 8)
                assert state.any()
    assert not any(os.fsencode(str(tmp_path)) in data for data in contents(tmp_path).values())
    assert all(np.isfinite(array).all() for array in tensors.values())


def test_a_row_of_the_curve_that_was_cut_short_is_dropped(tmp_path):
    run(tmp_path, "epochs=1")
    curve = tmp_path / "metrics.csv"
    before = curve.read_text()
    curve.write_text(before + "train,2,")
    run(tmp_path, "epochs=2", resume=True)
    after = curve.read_text()
    assert after.startswith(before)
    assert after.count("\nvalid,") == 2


@pytest.mark.parametrize(("settings", "corpus"), [
    (("softmax=adaptive", "min_count=2"), FEW), (("softmax=sampled", "samples=200", "min_count=2"), FEW),
    ((), FEW[:3])])
def test_another_text_is_said_to_be_one_before_it_fails_to_fit_the_settings(tmp_path, settings, corpus):
    """Which are right, and may not change: fewer words than cutoffs or samples, fewer sentences than a batch."""
    first = [*SMALL, *settings, "epochs=1", "min_count=1"]
    run(tmp_path, *first, corpus=FEW)
    with pytest.raises(UserError, match=r"^the corpus is not the one that "):
        run(tmp_path, *first, *settings, corpus=corpus, valid=FEW[:2], resume=True)
