"""classifier: it learns the word that decides, from every input; the same seed gives the same model."""

import json

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io import safetensors_file
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.metrics.scores import accuracy
from elmo_np.tasks.models.classifier import SentenceClassifier, frequent_phrases, phrases_of
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.fit import Fitting
from elmo_np.tasks.models.task_model import fingerprint
from elmo_np.tasks.models.word_model import source_words
from tests.task_helpers import FAST, reviews, tiny_elmo


def classifier(elmo=None, **settings):
    return SentenceClassifier(elmo or tiny_elmo(), ["good", "bad"], TaskConfig(**{**vars(FAST), **settings}))


def test_a_classifier_learns_the_word_that_decides():
    model = classifier()
    model.train(*reviews(60), *reviews(20, 1))
    sentences, labels = reviews(100, 2)
    assert accuracy(labels, model.predict(sentences)) > 0.95
    p = model.probabilities(sentences)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)         # float32
    assert model.predict(sentences) == [model.labels[k] for k in p.argmax(axis=1)]


@pytest.mark.parametrize("kind", ["mix", "vector", "static", "top", "1"])
@pytest.mark.parametrize("embedding_dim", [8, 6], ids=["words as wide as layers", "words less wide"])
def test_every_input_can_be_trained(kind, embedding_dim):
    model = classifier(tiny_elmo(layers=2, embedding_dim=embedding_dim), input=kind, epochs=1)
    before = {name: p.value.copy() for name, p in parameters(model.network).items()}
    model.train(*reviews(20), *reviews(20, 1))
    moved = {name for name, p in parameters(model.network).items() if (p.value != before[name]).any()}
    learnt = {"mix": {"input.mix.w", "input.mix.gamma"}, "vector": {"input.word_vector.W", "input.word_vector.b"}}
    assert {name for name in moved if name.startswith("input")} == learnt.get(kind, set())


@pytest.mark.parametrize("kind", ["attention", "mean+max+attention"])
def test_a_learnt_pooling_is_trained_and_comes_back_from_its_file(kind, tmp_path):
    model = classifier(pooling=kind, hidden_dim=None)
    before = model.network.pooling.attention.u.value.copy()
    model.train(*reviews(40), *reviews(20, 1))
    assert (model.network.pooling.attention.u.value != before).any()
    model.save(tmp_path / "model.safetensors")
    again = SentenceClassifier.load(tmp_path / "model.safetensors", model.elmo)
    np.testing.assert_array_equal(again.probabilities(reviews(9, 2)[0]), model.probabilities(reviews(9, 2)[0]))


def with_words(**settings):
    """A classifier that knows the words and phrases of the training sentences."""
    config = TaskConfig(**{**vars(FAST), **settings})
    sentences = reviews(60)[0]
    return SentenceClassifier(tiny_elmo(), ["good", "bad"], config, source_words=source_words(sentences, config),
                              phrases=frequent_phrases(sentences, config))


@pytest.mark.parametrize("kind", ["bag", "bag+mix", "learnt", "learnt+mix", "bag+learnt+static", "bag+characters"])
def test_inputs_with_words_of_their_own_learn_and_come_back_from_the_file(kind, tmp_path):
    model = with_words(input=kind, hidden_dim=None)
    model.train(*reviews(60), *reviews(20, 1))
    sentences, labels = reviews(50, 2)
    p = model.probabilities([*sentences, ["unseen", "words"]])
    assert accuracy(labels, model.predict(sentences)) > 0.95
    model.save(tmp_path / "model.safetensors")
    again = SentenceClassifier.load(tmp_path / "model.safetensors", model.elmo)
    np.testing.assert_array_equal(again.probabilities([*sentences, ["unseen", "words"]]), p)


def test_a_bag_alone_with_fewer_values_than_an_lstm_would_have_comes_back_from_its_file(tmp_path):
    model = with_words(input="bag", hidden_dim=64)
    model.save(tmp_path / "model.safetensors")
    again = SentenceClassifier.load(tmp_path / "model.safetensors", model.elmo)
    assert again.phrases == model.phrases


def test_a_file_whose_phrases_need_more_values_than_it_has_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    model = with_words(input="bag")
    model.save(path)
    arrays, texts = safetensors_file.load(path)
    safetensors_file.save(path, arrays, {**texts, "phrases": json.dumps(["a"] * 100_000)})
    with pytest.raises(UserError, match="phrases = 100000 with labels = 2: expected an array of this size"):
        SentenceClassifier.load(path, model.elmo)


def test_a_bag_is_naive_bayes_before_it_is_trained():
    model = with_words(input="bag", epochs=1, learning_rate=1e-30)
    model.train(*reviews(60), *reviews(20, 1))
    sentences, labels = reviews(50, 2)
    assert accuracy(labels, model.predict(sentences)) > 0.95


def test_a_stopped_training_of_a_bag_goes_on_from_its_weights(tmp_path):
    whole, stopped, resumed = (with_words(input="bag+mix", epochs=epochs) for epochs in (3, 1, 3))
    data = *reviews(40), *reviews(20, 1)
    whole.train(*data)
    stopped.train(*data, checkpoint=tmp_path / "last")
    resumed.train(*data, checkpoint=tmp_path / "last")
    assert (tmp_path / "last").exists()
    np.testing.assert_array_equal(resumed.network.bag.W.value, whole.network.bag.W.value)


def bilm_values(model):
    return {name: p.value.copy() for name, p in parameters(model.network.bilm).items()}


def test_finetune_trains_one_layer_more_per_epoch_and_leaves_the_given_bilm(tmp_path):
    elmo = tiny_elmo(layers=2)
    before = fingerprint(elmo)
    moved = []
    for epochs in 1, 2, 3, 4:
        model = classifier(elmo, finetune=True, epochs=epochs, patience=9)
        start = bilm_values(model)
        fitting = Fitting(model.network, model.config, *(model._dataset(*reviews(20), None),) * 2, lambda: 0.0,
                          Progress(quiet=True))
        for _ in range(epochs):
            fitting.epoch([])
        moved.append({name.partition("_lm.")[2].rpartition(".")[0] for name, value in bilm_values(model).items()
                      if (value != start[name]).any()})
    assert moved == [set(), {"layers.1"}, {"layers.1", "layers.0"}, {"layers.1", "layers.0", "embedding"}]
    assert fingerprint(elmo) == before


def test_a_tuned_bilm_comes_back_from_the_file_of_the_task(tmp_path):
    model = classifier(finetune=True, epochs=4)
    model.train(*reviews(40), *reviews(20, 1))
    model.save(tmp_path / "model.safetensors")
    again = SentenceClassifier.load(tmp_path / "model.safetensors", tiny_elmo())
    sentences = [*reviews(20, 2)[0], ["unseen", "words"]]
    np.testing.assert_array_equal(again.probabilities(sentences), model.probabilities(sentences))
    assert all((value == bilm_values(again)[name]).all() for name, value in bilm_values(model).items())


def test_a_stopped_fine_tuning_goes_on_bit_for_bit(tmp_path):
    models = [classifier(finetune=True, epochs=epochs, patience=9) for epochs in (4, 2, 4)]
    data = *reviews(30), *reviews(20, 1)
    models[0].train(*data)
    for model in models[1:]:
        model.train(*data, checkpoint=tmp_path / "last")
    for name, p in parameters(models[2].network).items():
        np.testing.assert_array_equal(p.value, parameters(models[0].network)[name].value, name)


def test_finetune_needs_an_input_of_the_bilm():
    with pytest.raises(UserError, match="finetune = true does not go with input = bag"):
        with_words(finetune=True, input="bag")


def test_one_epoch_would_leave_the_bilm_as_it_is():
    with pytest.raises(UserError, match=r"finetune = true with epochs = 1: expected 2 or more"):
        classifier(finetune=True, epochs=1).train(*reviews(20), *reviews(20, 1))


def test_phrases_are_runs_of_words_each_once():
    assert phrases_of(["a", "b", "a", "b"], 2) == ["a", "b", "a b", "b a"]
    assert phrases_of(["a"], 3) == ["a"]


@pytest.mark.parametrize(("kind", "message"), [
    ("bag", r"no words for a bag.* min_count = 1 times"), ("learnt", "no words to learn")])
def test_an_input_of_words_needs_them(kind, message):
    with pytest.raises(UserError, match=message):
        classifier(input=kind)


def test_the_same_seed_gives_the_same_model_and_another_does_not():
    made = [classifier(seed=seed, epochs=2) for seed in (0, 0, 1)]
    for model in made:
        model.train(*reviews(30), *reviews(20, 1))
    values = [np.concatenate([p.value.ravel() for p in parameters(model.network).values()]) for model in made]
    assert values[0].tobytes() == values[1].tobytes()
    assert (values[0] != values[2]).any()


def test_mistakes_are_reported():
    with pytest.raises(UserError, match="unknown label 'fine': this model has good, bad"):
        classifier().train([["good"]], ["fine"], *reviews(2))
    with pytest.raises(UserError, match="input = '7': expected mix"):
        classifier(input="7")
