"""The page to explore without a browser: what it holds, its weight, the same bytes, and whose neighbours it shows."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.inference.occurrences import samples
from elmo_np.viz import geometry
from elmo_np.viz.explore import NONE, ROUNDED, explore, explore_page
from tests.page_helpers import HOSTILE, QUIET, Elements, array, data_of, model, page_of_2000


@pytest.fixture(scope="module")
def shown(grammar, tmp_path_factory):
    """A page of two words and its data."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    explore(*grammar, path, words=["bank", "light"], most=40, quiet=True)
    text = path.read_text(encoding="utf-8")
    return text, data_of(text)


def test_the_page_holds_what_is_shown(grammar, shown):
    elmo, corpus = grammar
    _, data = shown
    assert (data["corpus"], data["layers"]) == ("grammar", ["0", "1", "2"])
    assert [word["word"] for word in data["words"]] == ["bank", "light"]
    assert len(set(data["sentences"])) == len(data["sentences"])
    for word, found in zip(data["words"], samples(corpus, ["bank", "light"], 40, QUIET), strict=True):
        sentence, position = array(word["sentence"], "<u4"), array(word["position"], "<u4")
        assert word["total"] == found.total
        assert [tuple(data["sentences"][s].split(" ")) for s in sentence] == [o.sentence for o in found.shown]
        assert position.tolist() == [o.position for o in found.shown]
        assert [word["senses"][k - 1] for k in array(word["sense"], "<u2")] == [o.sense for o in found.shown]
        views = next(geometry.views(elmo, [found.shown]))
        for layer, view in zip(word["layers"], views, strict=True):
            points = array(layer["points"], "<i2", 2)
            size = np.abs(view.points).max()
            np.testing.assert_allclose(points / 32767 * size, view.points, atol=size / 32767)
            if view.near is not None:
                assert np.where(view.near < 0, NONE, view.near).tolist() == array(
                    layer["near"], "<u2", 10).tolist()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("vector_dim", [None, 5])
def test_the_neighbours_shown_are_those_of_similar(grammar, layers, vector_dim, rng):
    """To 0.0001, by which similarities are rounded. Order may differ where two are as near as float32 can tell."""
    elmo = model(list(grammar[1]), layers=layers, vector_dim=vector_dim)
    found, = samples(grammar[1], ["bank"], 60, QUIET)
    shown = data_of(explore_page(elmo, "grammar", [found], QUIET))["words"][0]["layers"][-1]
    near, similarity = array(shown["near"], "<u2", 10), array(shown["similarity"], "<i2", 10) / ROUNDED
    elmo.index([list(o.sentence) for o in dict.fromkeys(o._replace(position=0, sense="") for o in found.shown)],
               ["bank"])
    for i, o in enumerate(found.shown):
        occurrence = o.sentence[:o.position + 1].count("bank")
        expected = elmo.similar("bank", list(o.sentence), 10, occurrence)
        np.testing.assert_allclose(similarity[i], [n.similarity for n in expected], atol=0.5 / ROUNDED + 1e-6)
        true = {(tuple(n.sentence), n.position): n.similarity for n in elmo.similar("bank", list(o.sentence), 10**6,
                                                                                     occurrence)}
        for k, s in zip(near[i], similarity[i], strict=True):
            assert abs(true[found.shown[k].sentence, found.shown[k].position] - s) <= 0.5 / ROUNDED + 1e-6


def test_a_model_of_characters_is_explored_too(grammar):
    elmo = model(list(grammar[1]), char_filters=((1, 4), (2, 6)))
    found, = samples(grammar[1], ["bank"], 12, QUIET)
    data = data_of(explore_page(elmo, "grammar", [found], QUIET))
    assert [("near" in layer) for layer in data["words"][0]["layers"]] == [False, True, True]


@pytest.mark.parametrize(("direction", "read"), [("both", "in both directions"), ("forward", "forward"),
                                                 ("backward", "backward")])
def test_the_page_says_in_which_directions_the_model_reads(grammar, direction, read):
    elmo = model(list(grammar[1]), direction=direction)
    found, = samples(grammar[1], ["bank"], 12, QUIET)
    page = explore_page(elmo, "grammar", [found], QUIET)
    assert data_of(page)["read"] == read
    assert "has read the sentence ${data.read}" in page


def test_the_same_model_and_corpus_give_the_same_bytes(grammar, tmp_path):
    for name in "one.html", "two.html":
        explore(*grammar, tmp_path / name, most=20, quiet=True)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_2000_occurrences_of_words_in_long_sentences_weigh_less_than_1_5_megabytes(rng):
    assert len(page_of_2000(rng).encode()) < 1.5e6


def test_occurrences_without_known_senses_are_coloured_by_groups_with_typical_words(tmp_path, monkeypatch):
    sentences = [[f"x{k}", "muddy" if k < 30 else "wealthy", "bank", "."] for k in range(50)]
    monkeypatch.setattr(geometry, "clusters", lambda vectors: (np.arange(len(vectors)) >= 30).astype(int))
    explore(model(sentences), sentences, tmp_path / "page.html", words=["bank"], quiet=True)
    word, = data_of((tmp_path / "page.html").read_text(encoding="utf-8"))["words"]
    assert word["grouped"]
    assert [name.split(",")[0] for name in word["senses"]] == ["group 1: muddy", "group 2: wealthy"]
    assert array(word["sense"], "<u2").tolist() == [1] * 30 + [2] * 20


def test_known_senses_are_not_replaced_by_groups(shown):
    assert [word["grouped"] for word in shown[1]["words"]] == [False, False]


def test_a_corpus_with_markup_is_data_alone(tmp_path):
    sentences = [["word", *HOSTILE], [*HOSTILE, "word"], ["a word", "word"]]
    explore(model(sentences[:2]), sentences, tmp_path / "page.html", words=["word"], quiet=True)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert data_of(text)["sentences"] == [" ".join(sentences[0]), " ".join(sentences[1]), "a\u00a0word word"]
    assert [tag for tag, _ in Elements(text).tags].count("script") == 4
    assert "img" not in [tag for tag, _ in Elements(text).tags]


def test_a_mistake_is_said_before_the_long_part(grammar, tmp_path):
    for options, message in (({"words": ["xylophone"]}, "'xylophone' is not among the"),
                             ({"most": 0}, "at most 0 occurrences per word: "),
                             ({"most": 65536}, "from 1 to 65535")):
        with pytest.raises(UserError, match=message):
            explore(*grammar, tmp_path / "page.html", quiet=True, **options)
    with pytest.raises(UserError, match="only once"):
        explore(grammar[0], iter([["bank"]]), tmp_path / "page.html", quiet=True)
    assert not (tmp_path / "page.html").exists()
