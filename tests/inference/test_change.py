"""Change of meaning: the three distances by hand and by scipy, their intervals, and which uses are compared."""

import itertools

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.inference import change as module
from elmo_np.inference.change import NAMES, Uses, change, measures
from elmo_np.inference.neighbours import unit
from tests.embedding_helpers import CORPUS, close, of_characters, of_words

FIRST = [["the", "bank", ".", str(k)] for k in range(30)]
SECOND = [["money", str(k), "bank"] for k in range(25)]


def uses_of(vectors, groups):
    vectors = np.array(vectors, float)
    return Uses(vectors, unit(vectors), np.eye(max(groups) + 1)[groups])


def weights(N, own):
    own = np.array(own)
    return (np.bincount(own, minlength=N) / len(own))[None]


def test_the_distances_are_those_computed_by_hand():
    uses = uses_of([[1, 0], [0, 2], [0, 1], [0, 3]], [0, 1, 1, 1])
    apd, prt, jsd = measures(uses, weights(4, [0, 1]), weights(4, [2, 3]))[0]
    assert apd == pytest.approx(1 / 2)                          # cosines 0, 0, 1, 1
    assert prt == pytest.approx(1 - 2 / 5 ** 0.5)               # of (1/2, 1) and (0, 2)
    # p = (1/2, 1/2), q = (0, 1): H(1/4, 3/4) - 1/2
    assert jsd == pytest.approx(2 - 3 / 4 * np.log2(3) - 1 / 2)


def test_the_distances_are_those_of_scipy_over_all_pairs(rng):
    distance = pytest.importorskip("scipy.spatial.distance", reason="scipy is not installed")
    vectors = rng.normal(size=(11, 5)) + 1
    groups = rng.integers(0, 3, 11)
    uses = uses_of(vectors, groups)
    apd, prt, jsd = measures(uses, weights(11, range(4)), weights(11, range(4, 11)))[0]
    assert apd == pytest.approx(distance.cdist(vectors[:4], vectors[4:], "cosine").mean())
    assert prt == pytest.approx(distance.cosine(vectors[:4].mean(axis=0), vectors[4:].mean(axis=0)))
    p, q = (np.bincount(own, minlength=3) for own in (groups[:4], groups[4:]))
    assert jsd == pytest.approx(distance.jensenshannon(p, q, base=2) ** 2)


def test_distances_do_not_depend_on_which_corpus_is_first(rng):
    uses = uses_of(rng.normal(size=(9, 4)), rng.integers(0, 2, 9))
    first, second = weights(9, range(4)), weights(9, range(4, 9))
    np.testing.assert_allclose(measures(uses, first, second), measures(uses, second, first), atol=1e-15)


def test_corpora_with_the_same_uses_are_apart_by_what_a_word_varies_only(rng):
    vectors = rng.normal(size=(6, 4))
    uses = uses_of(np.concatenate([vectors, vectors]), [0, 1, 1] * 4)
    apd, prt, jsd = measures(uses, weights(12, range(6)), weights(12, range(6, 12)))[0]
    cosines = [unit(vectors)[i] @ unit(vectors)[j] for i, j in itertools.product(range(6), repeat=2)]
    assert apd == pytest.approx(1 - np.mean(cosines))
    assert (prt, jsd) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))


def sample(rng, n, share):
    """Uses of two senses, so many of the first."""
    sense = rng.random(n) < share
    return np.ones(8) + 4 * sense[:, None] * np.eye(8)[0] + rng.normal(size=(n, 8)), sense.astype(int)


@pytest.mark.parametrize(("share", "changed"), [(0.5, False), (0.95, True)])
def test_intervals_hold_the_distance_of_the_corpora_and_p_tells_change_from_chance(rng, monkeypatch, share, changed):
    monkeypatch.setattr(module, "DRAWS", 99)

    def found(n):
        (one, senses), (other, others) = sample(rng, n, 0.5), sample(rng, n, share)
        return module._distances(uses_of(np.concatenate([one, other]), [*senses, *others]), n, 0)
    large = found(20_000)
    small = [found(60) for _ in range(40)]
    for name in NAMES:
        true = large[name].value
        assert np.mean([own[name].low - 1e-3 <= true <= own[name].high + 1e-3 for own in small]) >= 0.8
        assert np.mean([own[name].p <= 0.05 for own in small]) > 0.9 if changed else \
            np.mean([own[name].p <= 0.05 for own in small]) < 0.2
    if not changed:     # two samples of the same uses are some way apart, which the interval allows for
        assert np.mean([own["prt"].value for own in small]) > 10 * large["prt"].value
        assert np.mean([own["prt"].low == 0 for own in small]) > 0.9


def test_draws_in_blocks_are_the_same_draws(rng, monkeypatch):
    uses = uses_of(rng.normal(size=(30, 4)), rng.integers(0, 2, 30))
    whole = module._distances(uses, 12, 3)
    monkeypatch.setattr(module, "BLOCK", 30 * 100)
    assert module._distances(uses, 12, 3).keys() == whole.keys()
    for name, own in module._distances(uses, 12, 3).items():
        assert own.value == whole[name].value
        assert own.p == pytest.approx(whole[name].p, abs=0.05)
        np.testing.assert_allclose(own[1:3], whole[name][1:3], atol=0.1)


@pytest.mark.parametrize("layer", ["top", "average", "sum", "mix", 1])
def test_uses_are_compared_by_their_vectors_in_their_sentences(layer):
    elmo = of_words()
    found, = change(elmo, (FIRST, SECOND), ["bank"], layer=layer, quiet=True)
    assert (found.word, found.totals, found.counts, found.note) == ("bank", (30, 25), (30, 25), "")
    assert [list(use.sentence) for use in found.uses] == [*FIRST, *SECOND]
    assert [use.position for use in found.uses] == [1] * 30 + [2] * 25
    expected = np.array([elmo.vectors([use.sentence], layer)[0][use.position] for use in found.uses])
    close(found.vectors, expected)
    directions = unit(found.vectors)
    assert found.distances["apd"].value == pytest.approx(1 - (directions[:30] @ directions[30:].T).mean())
    np.testing.assert_allclose(found.away[:30], 1 - (directions[:30] @ directions[30:].T).mean(axis=1))
    for corpus, own in enumerate((range(30), range(30, 55))):
        assert found.farthest(corpus, 3) == sorted(own, key=lambda k: -found.away[k])[:3]


def test_a_sample_is_bounded_and_drawn_by_the_seed():
    def used(seed):
        found, = change(of_words(), (FIRST, SECOND), ["bank"], most=10, seed=seed, quiet=True)
        assert (found.totals, found.counts) == ((30, 25), (10, 10))
        assert {use.sentence for use in found.uses} <= {*map(tuple, [*FIRST, *SECOND])}
        return [use.sentence for use in found.uses], found.distances
    assert used(0) == used(0)
    assert used(0)[0] != used(1)[0]


def test_equal_sentences_count_once():
    found, = change(of_words(), (FIRST * 3, SECOND), ["bank"], quiet=True)
    assert (found.totals, found.counts) == ((90, 25), (30, 25))


def test_a_word_of_one_sentence_that_is_repeated_says_why_it_is_not_compared():
    found, = change(of_words(), (FIRST[:1] * 30, SECOND), ["bank"], quiet=True)
    assert found.totals == (30, 25)
    assert found.note == "not compared: 1 use in the first corpus; equal sentences count once"


def test_words_that_cannot_be_compared_say_why_and_few_uses_are_not_reliable():
    words = ["bank", "zebra", "was", "the"]
    second = [*SECOND[:12], ["the", "bank"], ["was", "the"], ["was"]]
    found = list(change(of_words(), (FIRST[:4], second), words, quiet=True))
    assert [own.word for own in found] == words
    assert [own.note for own in found] == [
        "not reliable: 4 uses in the first corpus and 13 uses in the second corpus",
        "not compared: not a word of the model's vocabulary", "not compared: 0 uses in the first corpus",
        "not reliable: 4 uses in the first corpus and 2 uses in the second corpus"]
    assert [list(own.distances) for own in found] == [["apd", "prt"], [], [], ["apd", "prt"]]
    few, = change(of_characters(), (CORPUS[:3], CORPUS[:3]), ["zebra"], quiet=True)
    assert few.note == "not compared: 0 uses in the first corpus and 0 uses in the second corpus"


def test_static_vectors_show_no_change():
    found, = change(of_words(), (FIRST, SECOND), ["bank"], layer=0, quiet=True)
    for name in NAMES:
        assert found.distances[name][:3] == pytest.approx((0, 0, 0), abs=1e-6)
        assert found.distances[name].p == 1


def test_a_mistake_shows_before_anything_is_read():
    corpora = (FIRST, SECOND)
    for message, words, how in [
            ("layer 'all': expected one vector per word: 'top', 'average', 'sum', 'mix'", ["bank"], {"layer": "all"}),
            ("layer 9: expected", ["bank"], {"layer": 9}),
            ("at most 1 uses per word and corpus: expected", ["bank"], {"most": 1}),
            ("at most 99999 uses", ["bank"], {"most": 99999}),
            ("at most 2.5 uses", ["bank"], {"most": 2.5}), ("at most 5 uses", ["bank"], {"most": "5"}),
            (r"seed=1.5 \(--seed\)", ["bank"], {"seed": 1.5}), ("seed=None", ["bank"], {"seed": None}),
            (r"seed=-1 \(--seed\)", ["bank"], {"seed": -1}),
            ("no words: expected at least one", [], {}), ("the list of words is the string 'bank'", "bank", {})]:
        with pytest.raises(UserError, match=message):
            change(of_words(), corpora, words, **how)
    with pytest.raises(UserError, match="can be read only once"):
        change(of_words(), (iter(FIRST), SECOND), ["bank"])
    for wrong in (FIRST,), (FIRST, SECOND, FIRST), None:
        with pytest.raises(UserError, match=r"the corpora are .*, expected two, each an iterable of sentences"):
            change(of_words(), wrong, ["bank"])
