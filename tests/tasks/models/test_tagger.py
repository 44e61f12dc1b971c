"""tagger: it learns entities of several words, and gives every word one label."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io import safetensors_file
from elmo_np.nn.parameter import parameters
from elmo_np.tasks.metrics.scores import entity_scores
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.tagger import Tagger, bio_labels, tag_labels
from elmo_np.tasks.models.word_model import source_words
from elmo_np.tasks.nn.crf import bio
from tests.task_helpers import FAST, tiny_elmo, visits


def test_a_tagger_learns_entities_of_several_words():
    model = Tagger(tiny_elmo(), bio_labels(visits(9)[1]), FAST)
    model.train(*visits(60), *visits(20, 1))
    sentences, labels = visits(100, 2)
    found = model.predict(sentences)
    assert entity_scores(labels, found)["all"].f1 > 0.95
    assert [len(own) for own in found] == [len(own) for own in sentences]


def test_an_untrained_tagger_too_predicts_only_sequences_that_are_allowed():
    model = Tagger(tiny_elmo(), ["O", "B-per", "I-per", "B-loc", "I-loc"], FAST)
    allowed = bio(model.labels)
    for labels in model.predict(visits(30)[0]):
        ids = model.label_ids(labels)
        assert allowed.start[ids[0]]
        assert allowed.pair[ids[:-1], ids[1:]].all()


def test_labels_of_a_tagger_are_begin_and_inside_of_every_type():
    assert bio_labels([["O", "B-b"], ["B-a", "I-a"]]) == ["O", "B-a", "I-a", "B-b", "I-b"]


def endings(first, last):
    """Sentences whose words the tiny biLM does not know, and tags that only the ending of a word tells."""
    tags = {"ing": "VERB", "ly": "ADV", "er": "NOUN"}
    words = [(f"{stem}{ending}", tag) for stem in map(chr, range(first, last)) for ending, tag in tags.items()]
    pairs = [[words[k - 1], words[k]] for k in range(len(words))]
    return [[word for word, _ in own] for own in pairs], [[tag for _, tag in own] for own in pairs]


def by_characters(kind, **settings):
    config = TaskConfig(**{**vars(FAST), "input": kind, "char_dim": 12, "hidden_dim": None, "input_dropout": 0.0,
                           **settings})
    return Tagger(tiny_elmo(), ["ADV", "NOUN", "VERB"], config, source_words=source_words(endings(97, 110)[0], config))


@pytest.mark.parametrize("kind", ["characters", "learnt+characters+mix"])
def test_characters_tell_the_tag_of_words_that_training_has_not_shown(kind, tmp_path):
    model = by_characters(kind)
    model.train(*endings(97, 110), *endings(110, 114))
    sentences, tags = endings(114, 122)
    assert model.predict(sentences) == tags
    model.save(tmp_path / "model.safetensors")
    assert Tagger.load(tmp_path / "model.safetensors", model.elmo).predict(sentences) == tags


def test_a_stopped_training_of_characters_goes_on_to_the_same_bits(tmp_path):
    whole, stopped, resumed = (by_characters("characters+mix", epochs=epochs, input_dropout=0.2)
                               for epochs in (3, 1, 3))
    data = *endings(97, 103), *endings(110, 112)
    whole.train(*data)
    stopped.train(*data, checkpoint=tmp_path / "last")
    resumed.train(*data, checkpoint=tmp_path / "last")
    for name, p in parameters(whole.network).items():
        np.testing.assert_array_equal(parameters(resumed.network)[name].value, p.value)
    assert any(name.startswith("characters.filters") for name in parameters(whole.network))


def test_a_file_whose_characters_need_more_values_than_it_has_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    by_characters("characters").save(path)
    arrays, texts = safetensors_file.load(path)
    config = texts["config"].replace('"char_dim":12', '"char_dim":90000')
    safetensors_file.save(path, arrays, {**texts, "config": config})
    with pytest.raises(UserError, match="char_dim = 90000: expected an array of this size"):
        Tagger.load(path, tiny_elmo())


def test_an_unknown_label_is_reported():
    model = Tagger(tiny_elmo(), bio_labels(visits(9)[1]), FAST)
    with pytest.raises(UserError, match="unknown label 'B-org'"):
        model.train(*visits(3), [["tom"]], [["B-org"]])


@pytest.mark.parametrize(("labels", "message"), [
    (["O", "O", "O"], r"sentence 1 has words and labels in different numbers \(2, 3\): expected one label per word"),
    (["O"], r"different numbers \(2, 1\)"),
    (["O", "I-per"], "sentence 1 has the labels 'O I-per', expected B-type where an entity begins"),
])
def test_labels_that_do_not_fit_the_words_are_reported(labels, message):
    model = Tagger(tiny_elmo(), bio_labels(visits(9)[1]), FAST)
    bad = [["anna", "saw", "tom"], ["saw", "tom"]], [["B-per", "O", "B-per"], labels]
    with pytest.raises(UserError, match=message):
        model.train(*bad, *visits(3))
    with pytest.raises(UserError, match=message):
        model.train(*visits(3), *bad)


def test_plain_tags_may_follow_one_another_in_any_order():
    model = Tagger(tiny_elmo(), tag_labels([["VERB", "NOUN"], ["B"]]), FAST)
    assert model.labels == ["B", "NOUN", "VERB"]
    assert model.network.crf.allowed.pair.all()
    assert model.network.crf.allowed.start.all()


def test_probabilities_of_a_word_s_labels_add_up_to_one():
    model = Tagger(tiny_elmo(), bio_labels(visits(9)[1]), FAST)
    sentences = visits(5)[0]
    found = model.probabilities(iter(sentences))
    assert [p.shape for p in found] == [(len(sentence), 5) for sentence in sentences]
    for p in found:
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        assert p[0, model.labels.index("I-per")] == 0       # not allowed at the beginning
