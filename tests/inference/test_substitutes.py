"""Substitutes: the words that fit a position best by both directions together."""

import math

import numpy as np
import pytest

from elmo_np import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.elmo import ELMo
from elmo_np.inference.evaluate import score
from elmo_np.inference.sampling import Reader
from elmo_np.inference.substitutes import substitutes
from tests.embedding_helpers import alone
from tests.prediction_helpers import KINDS, LONG, ROUNDING, VOCABULARY, close, predictions, some

MARKS = {"<S>", "</S>", "<UNK>"}


@pytest.fixture(scope="module", params=KINDS)
def elmo(request):
    return some(**KINDS[request.param])


@pytest.fixture(scope="module")
def words():
    """A model of words."""
    return some()


@pytest.mark.parametrize("prior", [True, False])
@pytest.mark.parametrize("kind", ["words", "adaptive", "characters"])
def test_substitutes_are_those_of_the_sentence_with_each_word_put_there(kind, prior, each_backend):
    """Brute force: the sentence is scored once a word of the vocabulary, and the target's own log p is looked up."""
    elmo, t = some(**KINDS[kind]), 3
    N = sum(VOCABULARY.counts) - VOCABULARY.counts[VOCABULARY.bos] + len(VOCABULARY)
    candidates = [word for word in VOCABULARY.words if word not in MARKS]
    sentences, s = [[*LONG[:t], word, *LONG[t+1:]] for word in candidates], {}
    for word, found in zip(candidates, score(elmo, sentences), strict=True):
        s[word] = found.forward_tokens[t] + found.backward_tokens[t+1]
        if prior:
            s[word] -= math.log((VOCABULARY.count(VOCABULARY.id(word)) + 1) / N)
    total = sum(map(math.exp, s.values()))
    found = substitutes(elmo, LONG[t], LONG, len(VOCABULARY), prior=prior, occurrence=LONG[:t+1].count(LONG[t]))
    assert [one.rank for one in found] == list(range(1, len(candidates) + 1))
    assert {one.word for one in found} == set(candidates)
    close([math.log(one.probability) for one in found], [s[one.word] - math.log(total) for one in found], 10 * ROUNDING)
    assert sorted((one.probability for one in found), reverse=True) == [one.probability for one in found]
    assert sum(one.probability for one in found) == pytest.approx(1, abs=1e-12)
    assert [one.word for one in found if one.itself] == [LONG[t]]


def test_both_directions_are_those_of_the_embedders_states(elmo, each_backend):
    t = len(LONG) // 2
    f, b = predictions(elmo, LONG)
    for one in substitutes(elmo, LONG[t], LONG, 20, occurrence=LONG[:t+1].count(LONG[t])):
        w = VOCABULARY.id(one.word)
        close([one.forward, one.backward], [f[t, w], b[t, w]])


@pytest.mark.parametrize("far", [0, 1, -2, -1])
def test_a_substitute_depends_on_every_word_of_the_sentence_however_far(elmo, far):
    """A state that is not handed on from word to word makes each prediction from one word, that beside the place: so
    does the only other program that offers substitutes from ELMo (simple_elmo), whatever the sentence."""
    sentence = ["the", "old", "man", "saw", "?", "the", "bank", "of", "the", "river", "."]
    other = list(sentence)
    other[far] = "xyzzy" if sentence[far] != "xyzzy" else "the"
    one, two = ({s.word: s for s in substitutes(elmo, "?", text, len(VOCABULARY), occurrence=1)}
                for text in (sentence, other))

    def change(side):
        return max(abs(getattr(one[word], side) - getattr(two[word], side)) for word in one)
    near, away = ("forward", "backward") if far >= 0 else ("backward", "forward")
    assert change(near) > ROUNDING
    assert change(away) < ROUNDING / 10         # that side reads the same words as before


def test_the_word_itself_is_not_read_so_any_word_may_stand_in_the_place(elmo):
    expected = substitutes(elmo, "bank", "the bank of the river")
    for blank in "___", "never-seen", "<UNK>":
        found = substitutes(elmo, blank, f"the {blank} of the river")
        assert not any(one.itself for one in found)
        assert [one[:5] for one in found] == [one[:5] for one in expected[:10]]


def test_the_word_itself_comes_last_with_its_rank_where_it_is_not_among_the_best(words):
    ranked = substitutes(words, "bank", "the bank of the river", len(VOCABULARY))
    own, = (one for one in ranked if one.itself)
    assert own.rank > 2, "the point is of no use"
    assert substitutes(words, "bank", "the bank of the river", 2) == [*ranked[:2], own]
    assert substitutes(words, "bank", "the bank of the river", own.rank) == ranked[:own.rank]


def test_without_the_word_itself_the_others_share_all(words):
    ranked = substitutes(words, "bank", "the bank of the river", len(VOCABULARY))
    others = substitutes(words, "bank", "the bank of the river", len(VOCABULARY), itself=False)
    rest = [one for one in ranked if not one.itself]
    assert [one.word for one in others] == [one.word for one in rest]
    own = next(one.probability for one in ranked if one.itself)
    np.testing.assert_allclose([one.probability for one in others],
                               [one.probability / (1 - own) for one in rest], rtol=1e-12)


def test_the_place_may_be_the_first_the_last_or_the_only_one(elmo):
    for sentence, word in ("the bank closed", "the"), ("the bank closed", "closed"), ("bank", "bank"):
        assert len(substitutes(elmo, word, sentence, 3)) in (3, 4)
    alone = substitutes(elmo, "bank", ["bank"], len(VOCABULARY))
    f, b = Reader(elmo, "forward").begin([]).log_p[0], Reader(elmo, "backward").begin([]).log_p[0]
    ids = VOCABULARY.ids([one.word for one in alone])
    close([one.forward for one in alone], f[ids])
    close([one.backward for one in alone], b[ids])


def test_substitutes_that_cannot_be_are_refused(words):
    for args, message in [(("bank", "the river"), "the sentence has no word 'bank'"),
                          (("the", "the bank of the river"), "'the' occurs 2 times in the sentence: say which"),
                          (("bank", "the bank", 0), "top = 0: expected a whole number of at least 1")]:
        with pytest.raises(UserError, match=message):
            substitutes(words, *args)
    with pytest.raises(UserError, match="occurrence = 2, but 'bank' occurs 1 times"):
        substitutes(words, "bank", "the bank", occurrence=2)


def test_a_vocabulary_without_counts_has_no_prior_and_says_so(words):
    elmo = ELMo(words.model, Vocabulary(VOCABULARY.words))
    with pytest.raises(UserError, match=r"the vocabulary has no counts, .*prior=False"):
        substitutes(elmo, "bank", "the bank")
    assert substitutes(elmo, "bank", "the bank", prior=False) == substitutes(words, "bank", "the bank", prior=False)


def test_a_vocabulary_of_one_word_has_no_other():
    elmo = some(Vocabulary.build([["bank"]]))
    only, = substitutes(elmo, "bank", "bank")
    assert (only.word, only.probability) == ("bank", 1)
    with pytest.raises(UserError, match="the vocabulary has no word to replace 'bank'"):
        substitutes(elmo, "bank", "bank", itself=False)


def test_more_substitutes_than_any_integer_counts_are_all_of_them(words):
    found = substitutes(words, "bank", "the bank", top=10**20)
    assert found == substitutes(words, "bank", "the bank", top=len(VOCABULARY))


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_model_of_one_direction_is_refused_in_one_line(direction):
    with pytest.raises(UserError, match=f"^this model has direction = {direction}, and this needs the .*= both$"):
        substitutes(alone(some(), direction), "the", "the bank")
