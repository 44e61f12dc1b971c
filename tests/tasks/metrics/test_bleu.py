"""bleu: sacrebleu's figure, by the formula for a case that can be reckoned by hand, with one reference and more."""

import math

import numpy as np
import pytest

from elmo_np.tasks.metrics.bleu import available, bleu, bleu_counts, bleu_of

pytestmark = pytest.mark.skipif(not available(), reason="sacrebleu, the extra [bleu], is not installed")


def test_it_is_the_geometric_mean_of_four_precisions():
    reference, found = ["a", "b", "c", "d", "e", "f"], ["a", "b", "c", "d", "e", "x"]
    expected = math.exp(sum(map(math.log, (5 / 6, 4 / 5, 3 / 4, 2 / 3))) / 4)
    assert bleu([[reference]], [found]) == pytest.approx(expected, rel=1e-12)
    assert bleu([[reference]], [reference]) == pytest.approx(1, rel=1e-12)


def test_any_of_several_references_will_do():
    one, other = ["a", "b", "c", "d", "e"], ["v", "w", "x", "y", "z"]
    assert bleu([[one, other], [other]], [other, other]) == pytest.approx(1, rel=1e-12)
    assert bleu([[one], [other]], [other, other]) < 0.6


def test_words_count_as_they_are_split():
    assert bleu([[["l'eau", "est", "claire", "."]]], [["l'", "eau", "est", "claire", "."]]) < 1
    assert bleu([[["Va\u202f!", "x", "y", "z"]]], [["Va\u202f!", "x", "y", "z"]]) == pytest.approx(1, rel=1e-12)
    assert bleu_counts([[["Va\u202f!", "x"]]], [["Va", "!", "x"]])[0].tolist() == [1, 0, 0, 0, 3, 2, 1, 0, 3, 2]


def test_sentences_add_up_to_what_sacrebleu_says_of_all():
    from sacrebleu.metrics.bleu import BLEU

    references = [[list("abcdef")], [list("abxy"), list("abcde")], [list("pq")]]
    found = [list("abcdxf"), list("abcd"), list("pp")]
    streams = [["a b c d e f", "a b x y", "p q"], [None, "a b c d e", None]]
    whole = BLEU(tokenize="none", force=True).corpus_score(list(map(" ".join, found)), streams)
    assert bleu(references, found) == pytest.approx(whole.score / 100, rel=1e-12)
    assert bleu_counts(references, found).shape == (3, 10)
    assert bleu_of(np.array([bleu_counts(references, found).sum(axis=0)] * 2)).shape == (2,)


def test_nothing_right_is_0():
    assert bleu([[["a", "b"]]], [["x"]]) == 0
    assert bleu([[["a", "b"]]], [[]]) == 0
