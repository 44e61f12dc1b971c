"""tagger: it learns entities of several words, and gives every word one label."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.metrics.scores import entity_scores
from elmo_np.tasks.models.tagger import Tagger, bio_labels, tag_labels
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


def test_an_unknown_label_is_reported():
    model = Tagger(tiny_elmo(), bio_labels(visits(9)[1]), FAST)
    with pytest.raises(UserError, match="unknown label 'B-org'"):
        model.train(*visits(3), [["tom"]], [["B-org"]])


def test_plain_tags_may_follow_one_another_in_any_order():
    model = Tagger(tiny_elmo(), tag_labels([["VERB", "NOUN"], ["B"]]), FAST)
    assert model.labels == ["B", "NOUN", "VERB"]
    assert model.network.crf.allowed.pair.all()
    assert model.network.crf.allowed.start.all()


def test_probabilities_of_a_word_s_labels_add_up_to_one():
    model = Tagger(tiny_elmo(), bio_labels(visits(9)[1]), FAST)
    sentences = visits(5)[0]
    found = model.probabilities(sentences)
    assert [p.shape for p in found] == [(len(sentence), 5) for sentence in sentences]
    for p in found:
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        assert p[0, model.labels.index("I-per")] == 0       # not allowed at the beginning
