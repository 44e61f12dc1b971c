"""task_model: a model comes back from its file as it was, one of version 0.1 too; mistakes are reported in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.errors import UserError
from elmo_np.io import safetensors_file as checkpoint
from elmo_np.nn.parameter import parameters
from elmo_np.tasks.data.files import read_senses, read_sentences
from elmo_np.tasks.models.classifier import SentenceClassifier
from elmo_np.tasks.models.embedding_cache import EmbeddingCache
from elmo_np.tasks.models.senses import WordSenses
from elmo_np.tasks.models.tagger import Tagger, bio_labels
from elmo_np.tasks.models.task_model import TaskModel, fingerprint
from elmo_np.tasks.models.translator import Translator
from tests.embedding_helpers import alone
from tests.task_helpers import FAST, reviews, tiny_elmo, visits

OLD = Path(__file__).parents[1] / "models_of_0_1"       # written by version 0.1, with what it predicted


@pytest.fixture(scope="module")
def trained():
    """A classifier and a tagger; no test changes them."""
    elmo = tiny_elmo()
    sentences, tags = SentenceClassifier(elmo, ["good", "bad"], FAST), Tagger(elmo, bio_labels(visits(9)[1]), FAST)
    sentences.train(*reviews(60), *reviews(20, 1))
    tags.train(*visits(60), *visits(20, 1))
    return sentences, tags


def test_the_bilm_is_left_as_it_is(trained):
    assert fingerprint(trained[0].elmo) == fingerprint(tiny_elmo())


def test_a_fingerprint_depends_on_every_value_and_word():
    elmo, changed = tiny_elmo(), tiny_elmo()
    next(iter(parameters(changed.model).values())).value.flat[0] += 1
    assert len({fingerprint(one) for one in (elmo, changed, tiny_elmo(seed=1), tiny_elmo(layers=2))}) == 4


def test_the_labels_of_a_sentence_do_not_depend_on_its_batch_or_on_a_cache(trained):
    for model, some in (trained[0], reviews(70, 3)[0]), (trained[1], visits(70, 3)[0]):
        alone = [model.predict([sentence])[0] for sentence in some]
        assert model.predict(some) == alone
        assert model.predict(some, EmbeddingCache(model.elmo, some)) == alone
        assert model.predict([]) == []


def test_a_model_comes_back_from_its_file(trained, tmp_path):
    for model, some in (trained[0], reviews(30, 3)[0]), (trained[1], visits(30, 3)[0]):
        path = tmp_path / f"{model.TASK}.safetensors"
        model.save(path)
        again = type(model).load(path, tiny_elmo())
        assert again.predict(some) == model.predict(some)
        assert (again.labels, again.config, again.tokenize) == (model.labels, model.config, model.tokenize)
        first = path.read_bytes()
        again.save(path)
        assert path.read_bytes() == first


@pytest.mark.parametrize("kind", [SentenceClassifier, Tagger, Translator])
def test_a_model_of_version_0_1_predicts_what_it_did(kind):
    directory = OLD / kind.TASK
    model = kind.load(directory / "model.safetensors", ELMo.load(OLD / "bilm"))
    sentences = read_sentences(str(OLD / "new.txt"), False)
    found = model.predict(sentences)
    lines = (directory / "predicted.txt").read_text().splitlines()
    if kind is Tagger:
        predicted = [f"{word}\t{label}" for words, labels in zip(sentences, found, strict=True)
                     for word, label in zip(words, labels, strict=True)]
        assert predicted == [line for line in lines if line]
    else:
        words = [" ".join(own.words) for own in found] if kind is Translator else found
        assert words == [line.split("\t")[1] for line in lines]


def test_word_senses_of_version_0_1_predict_what_they_did():
    model = WordSenses.load(OLD / "senses/model.safetensors", ELMo.load(OLD / "bilm"))
    found = model.predict(*read_senses(str(OLD / "new-senses.txt"), labelled=False))
    assert found == [line.split("\t")[3] for line in (OLD / "senses/predicted.txt").read_text().splitlines()]


def test_a_model_of_version_0_1_with_another_bilm_is_refused():
    with pytest.raises(UserError, match="was trained on another biLM"):
        Tagger.load(OLD / "tag/model.safetensors", tiny_elmo(seed=1))


def test_a_model_of_version_0_1_that_is_saved_again_gives_the_same_file(tmp_path):
    Tagger.load(OLD / "tag/model.safetensors", ELMo.load(OLD / "bilm")).save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == (OLD / "tag/model.safetensors").read_bytes()


def changed(path, tensors=None, **texts):
    """The file with arrays or texts replaced, None for left out."""
    old, metadata = checkpoint.load(path)
    both = [{key: value for key, value in {**a, **(b or {})}.items() if value is not None}
            for a, b in ((old, tensors), (metadata, texts))]
    checkpoint.save(path, *both)


@pytest.mark.parametrize(("tensors", "texts", "message"), [
    ({}, {"task": "tag"}, "holds a model of the task tag, expected a model of the task classify"),
    ({}, {"task": None}, "holds no task model, expected a model of the task classify"),
    ({"linear.b": None}, {}, "found nothing for linear.b, expected float32(2,)"),
    ({"linear.b": np.zeros(3, np.float32)}, {}, "found float32(3,) for linear.b"),
    ({"more": np.zeros(3)}, {}, "found float64(3,) for more, expected nothing"),
    ({}, {"labels": None}, "is not a complete task model"),
    ({}, {"labels": "[1"}, "is not a complete task model"),
    ({}, {"labels": "7"}, "is not a complete task model"),
    ({}, {"config": "[]"}, "expected the output of to_json"),
    ({}, {"config": json.dumps({"epochs": 0})}, "epochs = 0"),
    ({}, {"labels": '["good"]'}, "expected two or more"),
    ({}, {"bilm": "0"}, "was trained on another biLM"),
    ({}, {"labels": "[" * 100_000}, "is not a complete task model"),
    ({}, {"labels": '"good"'}, "is not a complete task model"),
    ({}, {"labels": "[1, 2]"}, "is not a complete task model"),
    ({}, {"tokenize": "7"}, "is not a complete task model"),
    ({}, {"config": "[" * 100_000}, "expected the output of to_json"),
    ({}, {"config": json.dumps({"hidden_dim": 90_000})}, "hidden_dim = 90000: expected an array of this size"),
    ({}, {"config": json.dumps({"hidden_dim": 10**9})}, "hidden_dim = 1000000000: expected a whole number"),
    ({"linear.b": np.full(2, np.nan, np.float32)}, {}, "linear.b holds NaN or infinity, expected finite values"),
])
def test_a_file_that_does_not_fit_is_refused_in_one_line(tensors, texts, message, trained, tmp_path):
    path = tmp_path / "model.safetensors"
    trained[0].save(path)
    changed(path, tensors, **texts)
    with pytest.raises(UserError) as error:
        SentenceClassifier.load(path, tiny_elmo())
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_another_bilm_is_refused(trained, tmp_path):
    trained[1].save(tmp_path / "model")
    with pytest.raises(UserError, match="was trained on another biLM"):
        Tagger.load(tmp_path / "model", tiny_elmo(seed=1))


def test_mistakes_are_reported(trained):
    for model, some in zip(trained, (reviews(3), visits(3)), strict=True):
        with pytest.raises(UserError, match="3 sentences to train on and 0 to validate on"):
            model.train(*some, [], [])
    for labels in ["good"], ["good", "good"]:
        with pytest.raises(UserError, match="expected two or more, each once"):
            SentenceClassifier(tiny_elmo(), labels)


def test_a_model_of_no_task_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        TaskModel(tiny_elmo(), ["a", "b"])


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_task_reads_a_bilm_of_one_direction(direction, tmp_path):
    elmo = alone(tiny_elmo(), direction)
    model = SentenceClassifier(elmo, ["good", "bad"], FAST)
    assert model.width == elmo.width() == elmo.model.config.output_dim
    model.train(*reviews(60), *reviews(20, 1))
    model.save(tmp_path / "model.safetensors")
    again = SentenceClassifier.load(tmp_path / "model.safetensors", elmo)
    assert again.predict(reviews(9)[0]) == model.predict(reviews(9)[0])
    with pytest.raises(UserError, match="another biLM"):
        SentenceClassifier.load(tmp_path / "model.safetensors", tiny_elmo())
