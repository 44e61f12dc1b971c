"""checkpointing: a training that was stopped at any batch goes on to the same bits; another one's state is refused."""

import json
import signal

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io import safetensors_file
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.models import fit as fitting
from elmo_np.tasks.models.checkpointing import Checkpoint, load_arrays
from elmo_np.tasks.models.classifier import SentenceClassifier
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.fit import FitInterrupted
from elmo_np.tasks.models.senses import WordSenses
from elmo_np.tasks.models.tagger import Tagger, tag_labels
from elmo_np.tasks.models.translator import Translator
from tests.task_helpers import FAST, reviews, tiny_elmo, uses, visits


def classify(**settings):
    model = SentenceClassifier(tiny_elmo(), ["good", "bad"], TaskConfig(**{**vars(FAST), "epochs": 5, **settings}))
    return model, (*reviews(30), *reviews(20, 1))


def tag(**settings):
    data = (*visits(30), *visits(20, 1))
    return Tagger(tiny_elmo(), tag_labels(data[1]), TaskConfig(**{**vars(FAST), "epochs": 5, **settings})), data


def senses(**settings):
    model = WordSenses(tiny_elmo(), {"film": ["x", "y"], "paris": ["x", "y"]},
                       TaskConfig(**{"epochs": 5, "batch_size": 10, **settings}))
    return model, (*uses(30), *uses(20, 1))


def translate(**settings):
    data = tuple([sentences, [[word.upper() for word in own] for own in sentences]]
                 for sentences in (reviews(30)[0], reviews(10, 1)[0]))
    labels = ["<S>", "</S>", "<UNK>", *sorted({word for own in data[0][1] for word in own})]
    words = ["<UNK>", *sorted({word for own in data[0][0] for word in own})]
    config = TaskConfig(**{**vars(FAST), "epochs": 5, "word_dim": 8, "decoder_dim": 8, "beam": 2, **settings})
    return Translator(tiny_elmo(), labels, words, config), (*data[0], *data[1])


def stopped(make, batch, path, monkeypatch, **settings):
    """Train until Ctrl-C in the batch with this index, over all epochs."""
    model, data = make(**settings)
    done = []

    def step(*args, step=fitting._step):
        done.append(args)
        if len(done) == batch + 1:
            signal.raise_signal(signal.SIGINT)
        return step(*args)
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "_step", step)
        with pytest.raises(FitInterrupted):
            model.train(*data, checkpoint=path)


@pytest.mark.parametrize("batch", [0, 2, 5, 13])        # the first, the last of an epoch, two in the middle
@pytest.mark.parametrize("make", [classify, tag, senses, translate])
def test_a_stopped_training_goes_on_to_the_same_bits(make, batch, tmp_path, monkeypatch):
    whole, data = make()
    history = whole.train(*data)
    stopped(make, batch, tmp_path / "last", monkeypatch)
    resumed, data = make()
    assert resumed.train(*data, checkpoint=tmp_path / "last") == history
    for name, p in parameters(whole.network).items():
        np.testing.assert_array_equal(p.value, parameters(resumed.network)[name].value)


def test_a_training_that_was_killed_goes_on_after_its_last_epoch(tmp_path, monkeypatch):
    whole, data = classify()
    history = whole.train(*data)
    model, _ = classify()
    calls = []

    def score(*args, score=model._score):
        calls.append(args)
        if len(calls) == 3:
            raise SystemExit
        return score(*args)
    monkeypatch.setattr(model, "_score", score)
    with pytest.raises(SystemExit):
        model.train(*data, checkpoint=tmp_path / "last")
    resumed, _ = classify()
    assert resumed.train(*data, checkpoint=tmp_path / "last") == history
    again, _ = classify()
    assert again.train(*data, checkpoint=tmp_path / "last") == history      # nothing is left to do
    for name, p in parameters(whole.network).items():
        np.testing.assert_array_equal(p.value, parameters(again.network)[name].value)


def test_epochs_and_patience_may_change_but_nothing_else(tmp_path, monkeypatch):
    stopped(classify, 4, tmp_path / "last", monkeypatch)
    model, data = classify(epochs=2, patience=9)
    assert len(model.train(*data, checkpoint=tmp_path / "last")) == 2
    message = "last is the state of another training: resume with the same data, biLM and settings"
    for changes in {"learning_rate": 0.01}, {"seed": 1}:
        with pytest.raises(UserError, match=message):
            classify(**changes)[0].train(*data, checkpoint=tmp_path / "last")
    model, (sentences, labels, *valid) = classify()
    for other in (sentences[1:], labels[1:], *valid), (sentences, labels[::-1], *valid), (*valid, sentences, labels):
        with pytest.raises(UserError, match=message):
            model.train(*other, checkpoint=tmp_path / "last")
    with pytest.raises(UserError, match=message):
        SentenceClassifier(tiny_elmo(1), ["good", "bad"], model.config).train(*data, checkpoint=tmp_path / "last")


@pytest.mark.parametrize(("key", "value"), [("history", 7), ("history", [[1, 2]]), ("best", 99), ("best", "a"),
                                            ("losses", ["a"]), ("order", {}), ("dropout", 7), (None, None)])
def test_a_damaged_state_is_refused(key, value, tmp_path, monkeypatch):
    path = tmp_path / "last"
    stopped(classify, 4, path, monkeypatch)
    tensors, texts = safetensors_file.load(path)
    place = {**json.loads(texts["place"]), key: value} if key else []
    safetensors_file.save(path, tensors, {**texts, "place": json.dumps(place)})
    model, data = classify()
    with pytest.raises(UserError, match="last is not what a training writes: remove it, and train again"):
        model.train(*data, checkpoint=path)


def test_arrays_that_are_missing_or_not_finite_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "last"
    stopped(classify, 4, path, monkeypatch)
    tensors, texts = safetensors_file.load(path)
    model, data = classify()
    name = next(iter(tensors))
    safetensors_file.save(path, {key: array for key, array in tensors.items() if key != name}, texts)
    with pytest.raises(UserError, match=f"found nothing for {name}"):
        model.train(*data, checkpoint=path)
    with pytest.raises(UserError, match="w holds NaN or infinity"):
        load_arrays("file", {"w": np.zeros(1)}, {"w": np.array([np.nan])})


def test_another_machine_is_said(tmp_path, monkeypatch, capsys):
    checkpoint = Checkpoint(tmp_path / "last", "origin")
    checkpoint.save({"w": np.zeros(2, np.float32)}, {"best": 1})
    assert checkpoint.load(Progress())[1] == {"best": 1}
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("elmo_np.tasks.models.checkpointing.machine", lambda: {"numpy": "0"})
    checkpoint.load(Progress())
    assert "the result is as good, but not the same bit for bit" in capsys.readouterr().err
