"""bleu: sacrebleu's figure, by the formula for a case that can be reckoned by hand, with one reference and more."""

import math

import pytest

from elmo_np.tasks.metrics.bleu import available, bleu

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
