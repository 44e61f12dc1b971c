"""Surprisal and entropy against predictions that are computed a prefix at a time."""

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.config.directions import DIRECTIONS
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import prediction_entropy, score
from elmo_np.inference.surprisal import Surprisal, surprisal
from elmo_np.inference.token_indexer import token_indexer
from tests.embedding_helpers import alone
from tests.inference.test_evaluate import UNSEEN, VOCABULARY, bilm

KINDS = {"words": {}, "gru": {"cell": "gru"}, "adaptive": {"softmax": "adaptive", "cutoffs": (10, 20)}, "characters": {
    "char_dim": 3, "char_filters": ((1, 4), (2, 4)), "max_characters": 9}}
SENTENCES = [[*UNSEEN[0], "xyzzy"], UNSEEN[1], ["bank"]]


def elmo_of(kind):
    return ELMo(bilm(**KINDS[kind]), VOCABULARY)


def by_prefix(elmo, words):
    """(surprisal, backward surprisal, entropies) in bits, each prediction from its whole context; one entropy more."""
    reader = token_indexer(elmo.model, elmo.vocabulary)
    x_f, x_b = reader.lookup(np.array(reader.encode(words))[:, None])
    ids, n = elmo.vocabulary.ids(words), len(words)
    ahead = [elmo.model.forward_lm.next_word(x_f[:t])[0][0].astype(np.float64) for t in range(1, n + 2)]
    back = [elmo.model.backward_lm.next_word(x_b[:t:-1])[0][0].astype(np.float64) for t in range(1, n + 1)]
    bits = np.log(2)
    return ([-ahead[t][ids[t]] / bits for t in range(n)], [-back[t][ids[t]] / bits for t in range(n)],
            [-(np.exp(p) * p).sum() / bits for p in ahead])


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_is_that_of_the_prediction_from_the_whole_context(kind):
    elmo = elmo_of(kind)
    for words, found in zip(SENTENCES, surprisal(elmo, SENTENCES), strict=True):
        forward, backward, entropies = by_prefix(elmo, words)
        np.testing.assert_allclose(found.forward, forward, atol=1e-5)
        np.testing.assert_allclose(found.backward, backward, atol=1e-5)
        np.testing.assert_allclose(found.entropy_before, entropies[:-1], atol=1e-5)
        np.testing.assert_allclose(found.entropy_after, entropies[1:], atol=1e-5)
        np.testing.assert_allclose(found.entropy_reduction, -np.diff(entropies), atol=2e-5)
        assert found.unknown.tolist() == [int(word not in VOCABULARY) for word in words]
    assert surprisal(elmo, SENTENCES)[0].unknown[-1] == 1


@pytest.mark.parametrize("state", ["reset", "carry"])
def test_it_is_the_score_in_bits_without_the_special_tokens(state, monkeypatch):
    monkeypatch.setattr("elmo_np.inference.evaluate.CHUNK", 5)
    monkeypatch.setattr("elmo_np.inference.evaluate.ROWS", 3)
    elmo = elmo_of("words")
    for found, expected in zip(surprisal(elmo, UNSEEN, state), score(elmo, UNSEEN, state), strict=True):
        np.testing.assert_allclose(found.forward, -expected.forward_tokens[:-1] / np.log(2), rtol=1e-12)
        np.testing.assert_allclose(found.backward, -expected.backward_tokens[1:] / np.log(2), rtol=1e-12)
        assert expected.entropies is None


def test_the_log_frequency_is_that_of_the_unigram_model():
    elmo = elmo_of("words")
    counts, bos = np.array(VOCABULARY.counts), VOCABULARY.bos
    total = counts.sum() - counts[bos] + len(counts)
    found = surprisal(elmo, [["bank", "xyzzy"]])[0]
    expected = [np.log2((counts[VOCABULARY.id(word)] + 1) / total) for word in ("bank", "xyzzy")]
    np.testing.assert_allclose(found.log_frequency, expected)


def test_groups_have_sums_and_the_entropies_at_their_ends():
    values = np.arange(1.0, 5.0)
    whole = Surprisal(values, 10 * values, 100 + values, 200 + values, -values, np.array([0, 1, 1, 0]))
    found = whole.grouped([1, 0, 3])
    np.testing.assert_array_equal(found.forward, [1, np.nan, 9])
    np.testing.assert_array_equal(found.backward, [10, np.nan, 90])
    np.testing.assert_array_equal(found.entropy_before, [101, np.nan, 102])
    np.testing.assert_array_equal(found.entropy_after, [201, np.nan, 204])
    np.testing.assert_array_equal(found.entropy_reduction, [-100, np.nan, -102])
    np.testing.assert_array_equal(found.log_frequency, [-1, np.nan, -9])
    assert found.unknown.tolist() == [0, 0, 2]


def test_the_entropy_of_equal_probabilities_is_the_log_of_their_number():
    assert prediction_entropy(np.log(np.full((2, 8), 1 / 8))) == pytest.approx([np.log(8)] * 2)


def test_a_text_is_not_a_list_of_sentences():
    with pytest.raises(UserError, match="the sentences are 'the bank', of type str, expected a list of sentences"):
        surprisal(elmo_of("words"), "the bank")
    with pytest.raises(UserError, match="sentence 0 is 5, of type int, expected a list of words"):
        surprisal(elmo_of("words"), [5])


def test_a_model_that_cannot_predict_is_refused():
    elmo = elmo_of("words")
    elmo.model.forward_lm.softmax = elmo.model.backward_lm.softmax = None
    with pytest.raises(UserError, match="has no softmax"):
        surprisal(elmo, SENTENCES)
    with pytest.raises(UserError, match="no sentence"):
        surprisal(elmo_of("words"), [])


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_what_a_model_of_one_direction_does_not_know_is_nan(direction):
    whole = elmo_of("words")
    for found, expected in zip(surprisal(alone(whole, direction), SENTENCES), surprisal(whole, SENTENCES), strict=True):
        known = {"forward", "entropy_before", "entropy_after"} if direction == "forward" else {"backward"}
        for name in "forward", "backward", "entropy_before", "entropy_after":
            values = getattr(expected, name) if name in known else np.full(len(expected.forward), np.nan)
            np.testing.assert_allclose(getattr(found, name), values, atol=1e-4)
        np.testing.assert_array_equal(found.log_frequency, expected.log_frequency)
