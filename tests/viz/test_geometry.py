"""Where the occurrences of a word lie in every layer, and which are nearest to which."""

import numpy as np
import pytest

from elmo_np.inference import encoder
from elmo_np.inference.clusters import clusters
from elmo_np.inference.elmo import ELMo
from elmo_np.inference.neighbours import unit
from elmo_np.inference.occurrences import samples
from elmo_np.viz import geometry
from tests.memory_helpers import peak
from tests.page_helpers import QUIET, model


def test_every_layer_has_its_own_view(grammar):
    elmo, corpus = grammar
    found, = samples(corpus, ["bank"], 30, QUIET)
    for width, names in ((None, ["0", "1", "2"]), (5, ["0", "1", "2", "v_t"])):
        elmo = model(list(corpus), vector_dim=width)
        assert geometry.layer_names(elmo) == names
        views = next(geometry.views(elmo, [found.shown]))
        assert len(views) == len(names)
        assert views[0].near is None
        assert not views[0].points.any()
        for k in 1, 2:
            vectors = np.array([elmo.vectors([o.sentence], k)[0][o.position] for o in found.shown])
            cosine = unit(vectors) @ unit(vectors).T
            rows = np.arange(len(vectors))[:, None]
            np.testing.assert_allclose(views[k].similarity, cosine[rows, views[k].near], atol=1e-6)
            assert views[k].share[0] >= views[k].share[1] > 0
    elmo.word_vector.b.value[:] = 1
    assert geometry.layer_names(elmo)[-1] == "v_t"


def test_layer_0_is_there_where_it_is_narrower_than_the_others(grammar):
    elmo = model(list(grammar[1]), embedding_dim=3)
    assert 0 not in elmo.layers
    found, = samples(grammar[1], ["bank"], 12, QUIET)
    views = next(geometry.views(elmo, [found.shown]))
    assert len(views) == 3
    assert views[0].near is None
    assert views[1].near is not None


def test_a_document_is_embedded_once_and_only_the_rows_of_the_words_are_kept(monkeypatch):
    documents = [["bank", "play", *["the", f"n{k}"] * 1000] for k in range(30)]
    elmo, given = model(documents), []

    def noted(self, sentences, *options, parts=ELMo.parts):
        given.append(list(sentences))
        return parts(self, sentences, *options)
    monkeypatch.setattr(ELMo, "parts", noted)
    monkeypatch.setattr(encoder, "WINDOW", 1 << 17)
    words = [sample.shown for sample in samples(documents, ["bank", "play"], 30, QUIET)]
    found = []
    taken = peak(lambda: found.extend(geometry.views(elmo, words)))
    assert [len(sentences) for sentences in given] == [30] * len(given)
    assert len(found) == 2
    assert [len(views[0].points) for views in found] == [30, 30]
    assert taken < 4e6      # all of the documents: 12 MB


@pytest.mark.parametrize("embedding_dim", [8, 3], ids=["all layers of one width", "layer 0 apart"])
def test_a_document_of_any_length_is_read_in_parts(embedding_dim, monkeypatch):
    document = ["bank", "play", *["the", *(f"n{k}" for k in range(9))] * 3000, "bank", "play"]
    elmo = model([document], embedding_dim=embedding_dim)
    words = [sample.shown for sample in samples([document], ["bank", "play"], 30, QUIET)]
    whole = list(geometry.views(elmo, words))
    found = []
    monkeypatch.setattr(encoder, "WINDOW", 1 << 15)
    taken = peak(lambda: found.extend(geometry.views(elmo, words)))
    assert taken < 5e6      # all of the document: 30,000 words of 16 to 48 values and more, 6 MB
    for one, other in zip(whole, found, strict=True):
        for own, again in zip(one, other, strict=True):
            np.testing.assert_allclose(own.points, again.points, atol=1e-5)


def test_the_nearest_are_the_largest_cosines_outside_the_own_sentence(rng, monkeypatch):
    monkeypatch.setattr(geometry, "BLOCK", 7)
    directions, sentence = unit(rng.standard_normal((23, 5))), np.arange(23) // 2
    near, similarity = geometry.nearest(directions, sentence, 4)
    for i in range(23):
        others = [k for k in range(23) if sentence[k] != sentence[i]]
        expected = sorted(others, key=lambda k: -float(directions[i] @ directions[k]))[:4]
        assert near[i].tolist() == expected
        np.testing.assert_allclose(similarity[i], directions[expected] @ directions[i], rtol=1e-12)


def test_only_the_last_view_of_enough_occurrences_that_differ_has_groups(rng):
    layers = [unit(rng.normal(size=(30, 5))) for _ in range(2)]
    first, last = geometry.views_of(layers, np.arange(30))
    assert first.groups is None
    np.testing.assert_array_equal(last.groups, clusters(layers[1]))
    assert geometry.views_of([layers[0][:10]], np.arange(10))[-1].groups is None
    assert geometry.views_of([np.ones((30, 5))], np.arange(30))[-1].groups is None


def test_contrasting_occurrences_are_near_the_ends_of_the_first_axis_without_its_outliers():
    points = np.column_stack([np.roll(np.arange(40.0), 7), np.zeros(40)])
    assert [points[i, 0] for i in geometry.opposite_ends(points)] == [2, 37]
    assert geometry.opposite_ends(points[:1]) == (0, 0)


def test_few_occurrences_have_few_neighbours_and_one_has_none(rng):
    near, _ = geometry.nearest(unit(rng.standard_normal((3, 4))), np.array([0, 0, 1]))
    assert near.tolist() == [[2, -1], [2, -1], [0, 1]] or near.tolist() == [[2, -1], [2, -1], [1, 0]]
    one, = geometry.views_of([rng.standard_normal((1, 4))], np.array([0]))
    assert one.near.shape == (1, 0)
    assert one.points.tolist() == [[0, 0]]
