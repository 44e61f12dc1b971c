"""senses: a sense is learnt from the vector of its word alone, among the senses of that word."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.inference.neighbours import unit
from elmo_np.io import safetensors_file
from elmo_np.tasks.data.examples import Occurrence
from elmo_np.tasks.metrics.scores import accuracy
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.senses import WordSenses, senses_of
from tests.task_helpers import tiny_elmo, uses

FAST = {"learning_rate": 0.1, "epochs": 60, "input_dropout": 0.0, "batch_size": 20, "patience": 60}
SENSES = {"film": ["x", "y"], "paris": ["x", "y"]}


def trained(**settings):
    model = WordSenses(tiny_elmo(), SENSES, TaskConfig(**{**FAST, **settings}))
    model.train(*uses(100), *uses(30, 1))
    return model


def right(model, seed=2):
    sentences, occurrences = uses(100, seed)
    return accuracy([own.sense for own in occurrences], model.predict(sentences, occurrences))


@pytest.mark.parametrize("method", ["logistic", "nearest"])
@pytest.mark.parametrize("kind", ["top", "mix"])
def test_the_sense_is_found_from_the_context(method, kind):
    assert right(trained(method=method, input=kind)) > 0.95


@pytest.mark.parametrize("method", ["logistic", "nearest"])
def test_static_vectors_give_a_word_one_sense_in_every_sentence(method):
    model = trained(method=method, input="static")
    sentences, occurrences = uses(100, 2)
    found = model.predict(sentences, occurrences)
    for word in SENSES:
        assert len({sense for sense, own in zip(found, occurrences, strict=True) if own.word == word}) == 1


def test_nearest_is_the_sense_whose_mean_direction_has_the_largest_cosine():
    model, (sentences, occurrences) = trained(method="nearest", input="top"), uses(100)
    def directions(some, places):
        return np.array([unit(v[own.position][None])[0]
                         for v, own in zip(model.elmo.vectors(some, "top"), places, strict=True)])
    x = directions(sentences, occurrences)
    means = {key: unit(x[[(own.word, own.sense) == key for own in occurrences]].mean(axis=0)[None])[0]
             for key in [(word, sense) for word in SENSES for sense in "xy"]}
    fresh, places = uses(50, 3)
    expected = [max("xy", key=lambda sense: means[own.word, sense] @ v)
                for v, own in zip(directions(fresh, places), places, strict=True)]
    assert model.predict(fresh, places) == expected


@pytest.mark.parametrize("frequent", ["x", "y"])
def test_where_all_senses_are_equally_near_the_most_frequent_is_taken(frequent):
    model = WordSenses(tiny_elmo(), SENSES, TaskConfig(**{**FAST, "method": "nearest", "input": "static"}))
    sentences, occurrences = uses(300)
    rare = [k for k, own in enumerate(occurrences) if own.sense != frequent][30:]
    kept = [k for k in range(300) if k not in rare]
    model.train([sentences[k] for k in kept], [occurrences[k] for k in kept], *uses(30, 1))
    assert set(model.predict(*uses(100, 2))) == {frequent}


def test_only_senses_of_the_word_itself_are_predicted():
    model = WordSenses(tiny_elmo(), {"film/movie": ["x/1"], "paris": ["p", "q"]}, TaskConfig(**FAST))
    occurrences = [Occurrence(0, "film/movie", ""), Occurrence(0, "paris", "")]
    found = model.predict([["film", "."], ["paris", "."]], occurrences)
    assert found[0] == "x/1"
    assert found[1] in "pq"


def test_a_sense_without_a_training_vector_is_never_nearest():
    model = WordSenses(tiny_elmo(), {"film": ["x", "y", "z"], "paris": ["x", "y"]}, TaskConfig(method="nearest"))
    model.train(*uses(100), *uses(30, 1))
    assert "z" not in model.predict(*uses(100, 2))
    assert right(model) > 0.9


@pytest.mark.parametrize("method", ["logistic", "nearest"])
def test_a_model_comes_back_from_its_file(method, tmp_path):
    model = trained(method=method)
    model.save(tmp_path / "model")
    again = WordSenses.load(tmp_path / "model", tiny_elmo())
    assert (again.senses, again.config) == (SENSES, model.config)
    assert again.predict(*uses(40, 2)) == model.predict(*uses(40, 2))
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


@pytest.mark.parametrize("senses", ["7", "[1]", "[" * 100_000, '{"bank": "ab"}', '{"bank": [1, 2]}', '{"bank": 7}'])
def test_senses_that_are_not_lists_of_texts_are_refused(senses, tmp_path):
    trained().save(tmp_path / "model")
    tensors, texts = safetensors_file.load(tmp_path / "model")
    safetensors_file.save(tmp_path / "model", tensors, {**texts, "senses": senses})
    with pytest.raises(UserError, match="model is not a complete task model"):
        WordSenses.load(tmp_path / "model", tiny_elmo())


def test_mistakes_are_reported():
    model = WordSenses(tiny_elmo(), SENSES, TaskConfig(**FAST))
    with pytest.raises(UserError, match="unknown word 'rome': this model tells the senses of film, paris"):
        model.predict([["rome"]], [Occurrence(0, "rome", "")])
    with pytest.raises(UserError, match="unknown label 'film/z'"):
        model.train([["film"]], [Occurrence(0, "film", "z")], *uses(3))
    with pytest.raises(UserError, match="3 sentences to train on and 0 to validate on"):
        model.train(*uses(3), [], [])
    with pytest.raises(UserError, match="3 sentences and 2 positions: expected one position per sentence"):
        model.train(*uses(3), uses(3)[0], uses(3)[1][:2])
    with pytest.raises(UserError, match="2 sentences and 3 positions: expected one position per sentence"):
        model.predict(uses(2)[0], uses(3)[1])
    with pytest.raises(UserError, match="expected two or more"):
        WordSenses(tiny_elmo(), {"film": ["x"]})


def test_the_senses_of_words_are_those_that_occur():
    assert senses_of(uses(100)[1]) == SENSES


def test_probabilities_are_those_of_the_senses_of_the_word():
    model, (sentences, occurrences) = trained(epochs=3), uses(20, 2)
    found = model.probabilities(sentences, occurrences)
    assert [len(p) for p in found] == [2] * 20
    np.testing.assert_allclose([p.sum() for p in found], 1, rtol=1e-5)
    assert ["xy"[p.argmax()] for p in found] == model.predict(sentences, occurrences)
    with pytest.raises(UserError, match="the method nearest has no probabilities"):
        trained(method="nearest").probabilities(sentences, occurrences)
