"""Classifier and tagger: they learn what can be learnt, come back from their files as they were, and name mistakes."""

import json

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io import safetensors_file as checkpoint
from elmo_np.nn.parameter import parameters
from elmo_np.tasks.metrics.scores import accuracy, entity_scores
from elmo_np.tasks.models.classifier import SentenceClassifier
from elmo_np.tasks.models.config import TaskConfig, overridden
from elmo_np.tasks.models.embedding_cache import EmbeddingCache
from elmo_np.tasks.models.tagger import Tagger, bio_labels
from elmo_np.tasks.models.task_model import TaskModel, fingerprint
from tests.task_helpers import reviews, tiny_elmo, visits

FAST = TaskConfig(hidden_dim=12, learning_rate=0.02, epochs=10, batch_size=10, input_dropout=0.1, dropout=0.1)


def classifier(config=FAST, elmo=None):
    return SentenceClassifier(elmo or tiny_elmo(), ["good", "bad"], config)


@pytest.fixture(scope="module")
def trained():
    """A classifier and a tagger; no test changes them."""
    elmo = tiny_elmo()
    sentences, tags = SentenceClassifier(elmo, ["good", "bad"], FAST), Tagger(elmo, bio_labels(visits(9)[1]), FAST)
    sentences.train(*reviews(60), *reviews(20, 1))
    tags.train(*visits(60), *visits(20, 1))
    return sentences, tags


def test_a_classifier_learns_what_decides(trained):
    sentences, labels = reviews(100, 2)
    assert accuracy(labels, trained[0].predict(sentences)) > 0.95
    p = trained[0].probabilities(sentences)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)         # float32


def test_a_tagger_learns_entities_of_several_words(trained):
    sentences, labels = visits(100, 2)
    found = trained[1].predict(sentences)
    assert entity_scores(labels, found)["all"].f1 > 0.95
    assert [len(own) for own in found] == [len(own) for own in sentences]


@pytest.mark.parametrize("kind", ["mix", "vector", "static", "top", "1"])
@pytest.mark.parametrize("embedding_dim", [8, 6], ids=["words as wide as layers", "words less wide"])
def test_every_input_can_be_trained(kind, embedding_dim):
    model = classifier(TaskConfig(**{**vars(FAST), "input": kind, "epochs": 1}),
                       tiny_elmo(layers=2, embedding_dim=embedding_dim))
    before = {name: p.value.copy() for name, p in parameters(model.network).items()}
    model.train(*reviews(20), *reviews(20, 1))
    moved = {name for name, p in parameters(model.network).items() if (p.value != before[name]).any()}
    learnt = {"mix": {"input.mix.w", "input.mix.gamma"}, "vector": {"input.word_vector.W", "input.word_vector.b"}}
    assert {name for name in moved if name.startswith("input")} == learnt.get(kind, set())


def test_the_bilm_is_left_as_it_is(trained):
    assert fingerprint(trained[0].elmo) == fingerprint(tiny_elmo())


def test_the_same_seed_gives_the_same_model_and_another_does_not():
    made = [classifier(TaskConfig(**{**vars(FAST), "seed": seed, "epochs": 2})) for seed in (0, 0, 1)]
    for model in made:
        model.train(*reviews(30), *reviews(20, 1))
    values = [np.concatenate([p.value.ravel() for p in parameters(model.network).values()]) for model in made]
    assert values[0].tobytes() == values[1].tobytes()
    assert (values[0] != values[2]).any()


def test_the_best_epoch_stays(monkeypatch):
    model, seen = classifier(TaskConfig(**{**vars(FAST), "patience": 2})), []
    y = np.array(model.numbers(reviews(20, 1)[1]))

    def probabilities(*args):
        """Of four epochs with 10, 18, 14 and 16 right answers."""
        seen.append({name: p.value.copy() for name, p in parameters(model.network).items()})
        wrong = 20 - (10, 18, 14, 16)[len(seen) - 1]
        return np.eye(2)[np.where(np.arange(20) < wrong, 1 - y, y)]
    monkeypatch.setattr(model, "probabilities", probabilities)
    history = model.train(*reviews(30), *reviews(20, 1))
    assert [epoch.valid for epoch in history] == pytest.approx([0.5, 0.9, 0.7, 0.8])       # two worse: it ends
    for name, p in parameters(model.network).items():
        np.testing.assert_array_equal(p.value, seen[1][name])


def test_of_equal_epochs_the_one_with_the_lower_loss_stays_and_patience_counts_from_it(monkeypatch):
    """An F1 that stays at zero must not end the training of what is still learning."""
    model = classifier(TaskConfig(**{**vars(FAST), "patience": 2, "epochs": 9}))
    monkeypatch.setattr(model, "probabilities", lambda sentences, store: np.eye(2)[np.zeros(len(sentences), int)])
    history = model.train(*reviews(30), *reviews(20, 1))
    losses = [epoch.valid_loss for epoch in history]
    assert len({epoch.valid for epoch in history}) == 1
    assert len(history) == 9 or min(losses) == losses[-3]
    assert len(history) > 4


def test_a_sentence_is_labelled_alike_in_any_company_and_from_a_store(trained):
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
    ({}, {"labels": None}, "is no whole task model"),
    ({}, {"labels": "[1"}, "is no whole task model"),
    ({}, {"labels": "7"}, "is no whole task model"),
    ({}, {"config": "[]"}, "expected what to_json writes"),
    ({}, {"config": json.dumps({"epochs": 0})}, "epochs = 0"),
    ({}, {"labels": '["good"]'}, "expected two or more"),
    ({}, {"bilm": "0"}, "was trained on another biLM"),
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


def test_mistakes_are_named(trained):
    with pytest.raises(UserError, match="unknown label 'fine': this model has good, bad"):
        trained[0].train([["good"]], ["fine"], *reviews(2))
    with pytest.raises(UserError, match="unknown label 'B-org'"):
        trained[1].train(*visits(3), [["tom"]], [["B-org"]])
    for model, some in zip(trained, (reviews(3), visits(3)), strict=True):
        with pytest.raises(UserError, match="3 sentences to train on and 0 to validate on"):
            model.train(*some, [], [])
    for labels in ["good"], ["good", "good"]:
        with pytest.raises(UserError, match="expected two or more, each once"):
            SentenceClassifier(tiny_elmo(), labels)
    with pytest.raises(UserError, match="input = '7': expected mix"):
        classifier(TaskConfig(input="7"))
    with pytest.raises(TypeError, match="is SentenceClassifier"):
        TaskModel(tiny_elmo(), ["a", "b"])


def test_settings_are_read_as_they_are_written():
    config = overridden(TaskConfig(), ["hidden_dim=none", "input=1", "pooling=mean", "learning_rate=.01"])
    assert (config.hidden_dim, config.input, config.pooling, config.learning_rate) == (None, "1", "mean", 0.01)
    assert TaskConfig.from_json(config.to_json()) == config
    for bad, message in [("colour=1", "expected key=value with one of"), ("epochs", "expected key=value"),
                         ("epochs=0", "epochs = 0: expected a whole number"), ("dropout=1", "dropout = 1")]:
        with pytest.raises(UserError, match=message):
            overridden(TaskConfig(), [bad])


def test_labels_of_a_tagger_are_begin_and_inside_of_every_type():
    assert bio_labels([["O", "B-b"], ["B-a", "I-a"]]) == ["O", "B-a", "I-a", "B-b", "I-b"]
