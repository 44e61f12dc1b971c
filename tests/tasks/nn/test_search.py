"""search: a wide beam finds what writing out every sentence finds, a beam of 1 is greedy."""

from itertools import product

import numpy as np
import pytest

from elmo_np.tasks.nn.search import _largest, beam_search

START, END, V, LONGEST = 0, 1, 4, 4


@pytest.fixture
def model(rng):
    """log p of the next word after any words, and the step that a decoder would do: its state holds the words."""
    table = {}

    def log_p(words):
        if words not in table:
            z = 2 * rng.normal(size=V)
            table[words] = z - np.log(np.exp(z).sum())
        return table[words]

    def step(words, state):
        history, = state
        grown = np.array([[*row, word] for row, word in zip(history, words, strict=True)])
        return np.array([log_p(tuple(row)) for row in grown]), [grown]
    return log_p, step, [np.empty((1, 0), int)]


def every_sentence(log_p):
    """{words: log p}: those that end with the mark, and those cut at the longest."""
    found = {}
    for n in range(1, LONGEST + 1):
        for words in product(range(V), repeat=n):
            if END not in words[:-1] and (words[-1] == END or n == LONGEST):
                found[words] = sum(log_p((START, *words[:t]))[words[t]] for t in range(n))
    return found


@pytest.mark.parametrize("power", [0.0, 0.7, 1.0])
def test_a_beam_as_wide_as_all_there_is_finds_the_best_sentence(model, power):
    log_p, step, state = model
    sentences = every_sentence(log_p)
    found = beam_search(step, state, start=START, end=END, beam=V**LONGEST, longest=LONGEST, length_power=power)
    best = max(sentences, key=lambda words: sentences[words] / len(words)**power)
    assert tuple(found[0].words) == best
    assert found[0].log_p == pytest.approx(sentences[best], rel=1e-14)
    assert found[0].score == pytest.approx(sentences[best] / len(best)**power, rel=1e-14)
    assert {tuple(one.words) for one in found} == set(sentences)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_a_beam_of_one_takes_the_likeliest_word_at_each_step(model):
    log_p, step, state = model
    words = [START]
    while len(words) <= LONGEST and words[-1] != END:
        words.append(int(log_p(tuple(words)).argmax()))
    found, = beam_search(step, state, start=START, end=END, beam=1, longest=LONGEST)
    assert found.words == words[1:]


def test_a_search_ends_when_as_many_sentences_have_ended_as_the_beam_is_wide():
    steps = []

    def step(words, state):
        steps.append(len(words))
        return np.tile(np.log([1e-9, 0.5, 0.5, 1e-9]), (len(words), 1)), state
    found = beam_search(step, [np.zeros((1, 1))], start=START, end=END, beam=2, longest=9)
    assert [one.words for one in found] == [[END], [2, END]]
    assert steps == [1, 1]


def test_a_word_without_probability_never_goes_on():
    def step(words, state):
        return np.tile([-np.inf, -np.inf, 0.0, -np.inf], (len(words), 1)), state
    found = beam_search(step, [np.zeros((1, 1))], start=START, end=END, beam=3, longest=3)
    assert found[0].words == [2, 2, 2]
    assert found[0].log_p == 0


def test_a_beam_below_one_is_refused(model):
    _, step, state = model
    for beam, longest in (0, 3), (2, 0):
        with pytest.raises(ValueError, match="expected whole numbers of at least 1"):
            beam_search(step, state, start=START, end=END, beam=beam, longest=longest)


def test_the_largest_are_those_of_a_whole_sort_ties_and_never_among_them(rng):
    for N, beam in product((1, 5, 40), (1, 3, 60)):
        S = rng.integers(0, 6, N).astype(float)
        S[S == 0] = -np.inf
        np.testing.assert_array_equal(_largest(S, beam), np.argsort(-S, kind="stable")[:beam])
