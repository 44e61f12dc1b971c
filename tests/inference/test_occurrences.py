"""Which words are chosen, which of their occurrences, and their senses."""

import pytest

from elmo_np.data.grammar import AMBIGUOUS, GrammarCorpus
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.occurrences import counted, default_words, frequent_words, samples
from tests.page_helpers import QUIET

GRAMMAR = GrammarCorpus(sentences=2500)


def test_words_are_the_frequent_ones_with_a_meaning_of_their_own():
    counts = {"the": 90, "The": 80, "run": 9, "b2": 8, "ox": 7, "walk": 9, ".": 50, "Rare": 1, "sky": 5, "河": 4,
              "unknown": 99}
    assert frequent_words(counts, {*counts} - {"unknown"}) == ["run", "walk", "sky", "河"]
    assert frequent_words(counts, {*counts} - {"unknown"}, 2) == ["run", "walk"]


def test_words_of_the_grammar_are_those_of_several_senses():
    counts = counted(GRAMMAR, QUIET)
    words = default_words(GRAMMAR, counts, Vocabulary.build(GRAMMAR))
    assert len(words) == 12
    assert set(words) <= set(AMBIGUOUS)
    assert [counts[word] for word in words] == sorted((counts[word] for word in words), reverse=True)
    with pytest.raises(UserError, match="give the words, or another corpus"):
        default_words([["a", "."]], {"a": 3, ".": 3}, {"a", "."})


def test_a_sample_is_of_different_sentences_in_the_corpus_order():
    corpus = [["x", str(k % 30), "x"] for k in range(90)]
    whole, = samples(corpus, ["x"], 1000, QUIET)
    assert whole.total == 180
    assert [(o.sentence[1], o.position) for o in whole.shown] == [(str(k), t) for k in range(30) for t in (0, 2)]
    some, = samples(corpus, ["x"], 7, QUIET)
    assert (some.total, len(some.shown)) == (180, 7)
    assert set(some.shown) < set(whole.shown)
    assert [whole.shown.index(o) for o in some.shown] == sorted(map(whole.shown.index, some.shown))
    assert set(samples(corpus[::-1], ["x"], 7, QUIET)[0].shown) == set(some.shown)      # no order chooses
    with pytest.raises(UserError, match="'y' does not occur"):
        samples(corpus, ["x", "y"], 7, QUIET)


def test_a_sample_is_a_fair_draw():
    """The first and the second half of 4,000 sentences give 200 +- 4 standard deviations each."""
    corpus = [["x", str(k)] for k in range(4000)]
    found, = samples(corpus, ["x"], 400, QUIET)
    assert abs(sum(int(o.sentence[1]) < 2000 for o in found.shown) - 200) <= 4 * 10


def test_the_senses_are_the_grammars_labels():
    known = {s.tokens: dict(s.senses) for s in reversed(list(GRAMMAR.labelled()))}
    found, = samples(GRAMMAR, ["bank"], 100, QUIET)
    assert {o.sense for o in found.shown} == set(AMBIGUOUS["bank"])
    assert all(o.sense == known[o.sentence][o.position] for o in found.shown)
