"""Probes: whose surprisal is compared, what counts as right, and what as unknown."""

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.data.formula import Formula
from elmo_np.data.minimal_pairs import PAIR, VERB, Suite
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import score, unigram_log_p
from elmo_np.inference.probe import Result, chance, probe, together
from elmo_np.inference.substitutes import _around
from tests.embedding_helpers import alone
from tests.inference.test_evaluate import VOCABULARY, bilm

PAIRS = [("the bank of the river", "the bank the of river"), ("a bank", "bank a"), ("the xyzzy", "the bank"),
         ("the xyzzy", "the plugh")]


@pytest.fixture
def elmo():
    return ELMo(bilm(), VOCABULARY)


def suite(formula, *items):
    return Suite("name", "phenomenon", Formula(formula), list(items))


def pair(good, bad):
    return {"good": {"1": good}, "bad": {"1": bad}}


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_pair_is_right_if_the_whole_good_sentence_is_more_probable(elmo, direction):
    found, = probe(elmo, [suite(PAIR, *(pair(*one) for one in PAIRS))], str.split, direction)
    expected = [getattr(good, direction) > getattr(bad, direction) for good, bad in
                (score(elmo, [good.split(), bad.split()]) for good, bad in PAIRS)]
    assert (found.items, found.right, found.ties) == (4, sum(expected), 1)
    assert found.unknown == 2
    assert found.known_right == sum(expected[:2])
    log_p = unigram_log_p(VOCABULARY)
    assert found.unigram == sum(log_p[VOCABULARY.ids(good.split())].sum() > log_p[VOCABULARY.ids(bad.split())].sum()
                                for good, bad in PAIRS)


def surprisal_is(elmo, item, region, bits, direction=None):
    """Whether the surprisal of a region of the good sentence is so many bits."""
    near = f"[({region};%good%) > {bits - 0.001:.4f}] & [({region};%good%) < {bits + 0.001:.4f}]"
    found, = probe(elmo, [suite(near, item)], str.split, direction)
    return found.right == 1


def test_both_directions_predict_each_word_from_all_others(elmo):
    words = ["the", "bank", "of", "the", "river"]
    nats = 0.0                  # by (M1) and (M2), with all words allowed
    for t, word in enumerate(words):
        f, b = _around(elmo, words, t)
        s = f + b - unigram_log_p(VOCABULARY)
        nats += np.log(np.exp(s - s.max()).sum()) + s.max() - s[VOCABULARY.id(word)]
    assert surprisal_is(elmo, {"good": {"1": " ".join(words)}}, "*", nats / np.log(2), "both")


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_surprisal_of_a_region_is_that_of_its_own_words(elmo, direction):
    item = {"good": {"1": "the bank", "2": "of the", "3": "river ."}}
    found, = score(elmo, [["the", "bank", "of", "the", "river", "."]])
    nats = -found.forward_tokens[2:4].sum() if direction == "forward" else -found.backward_tokens[3:5].sum()
    assert surprisal_is(elmo, item, "2", nats / np.log(2), direction)


@pytest.mark.parametrize("direction", ["forward", "both"])
def test_progress_is_told_after_every_sentence(elmo, direction):
    done = []
    probe(elmo, [suite(PAIR, *(pair(*one) for one in PAIRS[:2]))], str.split, direction, done.append)
    assert done == [1, 2, 3, 4]


def test_without_counts_there_is_no_unigram_model(elmo):
    elmo.vocabulary = Vocabulary(VOCABULARY.words)
    found, = probe(elmo, [suite(PAIR, pair("a bank", "bank a"))], str.split)
    assert found.unigram is None


def test_regions_are_compared_by_the_words_that_they_hold(elmo):
    items = [{name: {"1": "the bank of", "2": verb, "3": "."} for name, verb in (("good", one), ("bad", other))}
             for one, other in (("the", "a bank"), ("a bank", "the"), ("xyzzy", "the"))]
    found, = probe(elmo, [suite(VERB, *items)], str.split)

    def surprisal(regions):
        tokens = score(elmo, [" ".join(regions.values()).split()])[0].forward_tokens
        return -tokens[3:3 + len(regions["2"].split())].sum()
    scores = [[surprisal(item[name]) for name in ("good", "bad")] for item in items]
    assert found.right == sum(good < bad for good, bad in scores)
    assert found.unknown == 1
    assert (found.ties, found.chance) == (0, 0.5)


def test_formulae_compare_bits_the_unigram_model_too(elmo):
    item = {"good": {"1": "the bank of the river"}}
    found, = score(elmo, [item["good"]["1"].split()])
    prior = -unigram_log_p(VOCABULARY)[VOCABULARY.encode(item["good"]["1"].split())[1:]].sum()

    def holds(bits):
        """For the model and for the unigram model, whether the surprisal is that many bits."""
        low, high = f"(*;%good%) > {bits - 0.01:.3f}", f"(*;%good%) < {bits + 0.01:.3f}"
        result, = probe(elmo, [suite(f"[{low}] & [{high}]", item)], str.split)
        return result.right, result.unigram
    assert holds(-found.forward / np.log(2))[0] == 1
    assert holds(prior / np.log(2))[1] == 1


def test_ties_are_those_of_pairs_and_not_counted_for_other_formulae(elmo):
    item = {name: {"1": "the", "2": "bank"} for name in ("good", "bad")}
    pairs, other = probe(elmo, [suite(VERB, item), suite("(2;%bad%) > (2;%good%)", item)], str.split)
    assert (pairs.ties, pairs.right, other.ties, other.right) == (1, 0, None, 0)
    assert together("all", [pairs, pairs]).ties == 2
    assert together("all", [pairs, other]).ties is None


def test_words_before_a_region_change_nothing_from_the_end(elmo):
    item = {"good": {"1": "the bank", "2": "of", "3": "the"}, "bad": {"1": "a", "2": "of", "3": "the"}}
    forward, backward = (probe(elmo, [suite(VERB, item)], str.split, direction)[0]
                         for direction in ("forward", "backward"))
    assert (forward.ties, backward.ties) == (0, 1)


def test_the_unigram_model_is_computed_once(elmo, monkeypatch):
    calls = []
    monkeypatch.setattr("elmo_np.inference.probe.unigram_log_p", lambda own: calls.append(own) or unigram_log_p(own))
    probe(elmo, [suite(PAIR, pair(*one)) for one in PAIRS], str.split)
    assert len(calls) == 1


def test_an_empty_region_has_no_surprisal(elmo):
    item = {"good": {"1": "the bank", "2": ""}, "bad": {"1": "the bank", "2": "of"}}
    found, = probe(elmo, [suite(VERB, item)], str.split)
    assert found.right == 1


def test_chance_of_a_formula_is_that_of_random_surprisals():
    assert chance(Formula("[(1;%a%) < (1;%b%)] & [(2;%a%) < (2;%b%)]")) == pytest.approx(0.25, abs=0.01)
    assert chance(Formula("[(1;%a%) < (1;%b%)] & [(1;%b%) < (1;%a%)]")) == 0
    assert chance(Formula("(1;%a%) - (1;%b%) > 0")) == 0.5


def test_chance_means_nothing_where_surprisal_is_compared_with_a_number(elmo):
    found, = probe(elmo, [suite("(1;%good%) < 8", {"good": {"1": "the"}})], str.split)
    assert found.chance is None
    other, = probe(elmo, [suite(PAIR, pair("a bank", "bank a"))], str.split)
    assert together("all", [found, other]).chance is None


def test_results_are_added():
    one = Result("one", items=1, right=1, ties=0, unknown=0, known_right=1, unigram=0, chance=0.5)
    other = Result("other", items=4, right=2, ties=1, unknown=2, known_right=1, unigram=3, chance=0.25)
    assert together("all", [one, other]) == Result(
        "all", items=5, right=3, ties=1, unknown=2, known_right=2, unigram=3, chance=pytest.approx(1.5 / 5))
    assert together("all", [one, other._replace(unigram=None)]).unigram is None


def test_mistakes_are_named(elmo):
    with pytest.raises(UserError, match="direction 'up': expected one of forward, backward, both"):
        probe(elmo, [suite(PAIR, pair("a", "b"))], str.split, "up")
    with pytest.raises(UserError, match="name: a sentence has no word"):
        probe(elmo, [suite(PAIR, pair("a", ""))], str.split)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_model_of_one_direction_is_probed_in_it_and_refuses_what_needs_the_other(elmo, direction):
    suites = [suite(PAIR, *(pair(*texts) for texts in PAIRS))]
    one = alone(elmo, direction)
    assert probe(one, suites, str.split) == probe(one, suites, str.split, direction) == probe(
        elmo, suites, str.split, direction)
    other, = {"forward", "backward"} - {direction}
    for wrong in other, "both":
        with pytest.raises(UserError, match=f"^this model has direction = {direction}, and this needs the {other} one"):
            probe(one, suites, str.split, wrong)
