"""batches: every word is predicted once an epoch in each direction, from the word beside it."""

from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_np.data import batches
from elmo_np.data.batches import (
    EncodedCorpus,
    RandomSteps,
    contiguous_batches,
    limited_groups,
    most_steps,
    reversed_sentences,
    sentence_batches,
    sentence_parts,
    sentence_windows,
    shuffled,
    stream_batches,
)
from elmo_np.errors import UserError
from elmo_np.nn.softmax import IGNORE_INDEX

quick = settings(derandomize=True, deadline=None, max_examples=60)
BOS, EOS = 0, 1


@st.composite
def corpora(draw):
    """Sentences in which no two words are equal, so that a pair tells where it comes from."""
    word, corpus = 2, []
    for n in draw(st.lists(st.integers(0, 9), max_size=12)):
        corpus.append([BOS, *range(word, word + n), EOS])
        word += n
    return corpus


SIZES = st.integers(1, 5)
WAYS = {"shared": stream_batches, "contiguous": contiguous_batches,
        "whole sentences": lambda corpus, B, T: sentence_batches(corpus, B)}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def pairs(sentences):
    return Counter(pair for sentence in sentences for pair in pairwise(sentence))


def read(side):
    """The pairs of each row, up to its end."""
    return [list(zip(side.x[:n, b].tolist(), side.y[:n, b].tolist(), strict=True)) for b, n in enumerate(side.lengths)]


def rows(sides):
    """The pairs of each row over all batches."""
    return [[pair for part in row for pair in part] for row in zip(*map(read, sides), strict=True)]


def of_each_direction(batches):
    batches = list(batches)
    return [[batch.forward for batch in batches], [batch.backward for batch in batches]]


def sentences_of(row):
    """A row's pairs put together again to sentences: every pair continues the one before it or starts anew."""
    found = []
    for x, y in row:
        if x in (BOS, EOS):         # the mark with which a sentence begins, in the one or the other direction
            found.append([x])
        assert found[-1][-1] == x
        found[-1].append(y)
    return found


def test_the_small_example_of_the_original_elmo():
    """<S> </S> <UNK> the . are 0 to 4: 'the unknown .', 'th .' and 'the', read over and over; 2 rows, 3 steps."""
    sentences = 3 * [[0, 3, 2, 4, 1], [0, 2, 4, 1], [0, 3, 1]]
    first, second, *_ = stream_batches(sentences, 2, 3)
    expected = [(first.forward, [[0, 3, 2], [0, 2, 4]], [[3, 2, 4], [2, 4, 1]]),
                (second.forward, [[4, 0, 3], [0, 3, 2]], [[1, 3, 1], [3, 2, 4]]),
                (first.backward, [[1, 4, 2], [1, 4, 2]], [[4, 2, 3], [4, 2, 0]]),
                (second.backward, [[3, 1, 3], [1, 4, 2]], [[0, 3, 0], [4, 2, 3]])]
    for side, x, y in expected:
        np.testing.assert_array_equal(side.x.T, x)
        np.testing.assert_array_equal(side.y.T, y)
        np.testing.assert_array_equal(side.lengths, [3, 3])


@ways
@quick
@given(corpora(), SIZES, SIZES)
def test_every_token_is_a_target_exactly_once_an_epoch_in_each_direction(way, corpus, batch_size, steps):
    forward, backward = of_each_direction(way(corpus, batch_size, steps))
    assert Counter(pair for side in forward for row in read(side) for pair in row) == pairs(corpus)
    assert Counter(pair for side in backward for row in read(side) for pair in row) == pairs(reversed_sentences(corpus))


@ways
@quick
@given(corpora(), SIZES, SIZES)
def test_padding_stands_past_the_end_of_a_row_and_nowhere_else(way, corpus, batch_size, steps):
    for sides in of_each_direction(way(corpus, batch_size, steps)):
        for side in sides:
            past = np.arange(len(side.x))[:, None] >= side.lengths
            np.testing.assert_array_equal(side.y == IGNORE_INDEX, past)
            assert not side.x[past].any()
            assert side.lengths.any()


@ways
@quick
@given(corpora(), SIZES, SIZES)
def test_both_directions_have_as_many_targets_in_every_batch(way, corpus, batch_size, steps):
    for batch in way(corpus, batch_size, steps):
        assert batch.tokens == (batch.forward.y != IGNORE_INDEX).sum() == (batch.backward.y != IGNORE_INDEX).sum()


@pytest.mark.parametrize("way", [stream_batches, contiguous_batches])
@quick
@given(corpora(), SIZES, SIZES)
def test_a_rows_stream_is_whole_sentences_one_after_another(way, corpus, batch_size, steps):
    forward, backward = of_each_direction(way(corpus, batch_size, steps))
    for sides, expected in (forward, corpus), (backward, list(reversed_sentences(corpus))):
        found = [sentence for row in rows(sides) for sentence in sentences_of(row)]
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("way", [stream_batches, contiguous_batches])
@quick
@given(corpora(), SIZES, SIZES)
def test_a_row_has_steps_without_a_gap_until_it_runs_out(way, corpus, batch_size, steps):
    for sides in of_each_direction(way(corpus, batch_size, steps)):
        for one, after in pairwise(sides):
            assert one.x.shape == after.x.shape == (steps, len(one.lengths))
            assert not after.lengths[one.lengths < steps].any()


@quick
@given(corpora(), SIZES, SIZES)
def test_contiguous_rows_read_the_corpus_in_its_order(corpus, batch_size, steps):
    forward, backward = of_each_direction(contiguous_batches(corpus, batch_size, steps))
    assert [s for row in rows(forward) for s in sentences_of(row)] == corpus
    assert [s for row in rows(backward) for s in sentences_of(row)] == list(reversed_sentences(corpus))


@quick
@given(corpora(), SIZES, SIZES)
def test_contiguous_rows_are_about_equally_long(corpus, batch_size, steps):
    """A cut is moved by less than a sentence."""
    forward, _ = of_each_direction(contiguous_batches(corpus, batch_size, steps))
    longest, total = max(map(len, corpus), default=1) - 1, sum(len(sentence) - 1 for sentence in corpus)
    assert all(len(row) <= total / batch_size + longest for row in rows(forward))


@quick
@given(corpora(), SIZES)
def test_sentence_batches_have_one_sentence_a_column(corpus, batch_size):
    found = []
    for batch in sentence_batches(corpus, batch_size):
        assert batch.forward.x.shape[1] <= batch_size
        assert len(batch.forward.x) == batch.forward.lengths.max()
        for one, other in zip(read(batch.forward), read(batch.backward), strict=True):
            sentence, = sentences_of(one)
            assert sentences_of(other) == [sentence[::-1]]
            found.append(sentence)
    assert sorted(found) == sorted(corpus)


def test_sentence_batches_put_sentences_of_about_one_length_together():
    corpus = [[BOS, *([2] * n), EOS] for n in (9, 1, 5, 2, 8, 1)]
    assert [batch.forward.lengths.tolist() for batch in sentence_batches(corpus, 2)] == [[2, 2], [3, 6], [9, 10]]


def test_a_corpus_that_can_be_read_once_only_is_refused():
    """A generator in place of a list: each direction would get the sentences that the other has left over."""
    corpus = [[BOS, n, EOS] for n in range(2, 8)]
    with pytest.raises(UserError, match="which can be read only once"):
        stream_batches(iter(corpus), 2, 2)


@ways
def test_no_sentences_give_no_batches(way):
    assert list(way([], 3, 4)) == []


@quick
@given(st.lists(st.integers()), st.integers(0, 10), st.integers(0, 3))
def test_shuffled_keeps_the_multiset_and_depends_on_the_seed_only(corpus, size, seed):
    one, other = (list(shuffled(corpus, size, np.random.default_rng(seed))) for _ in range(2))
    assert one == other
    assert Counter(one) == Counter(corpus)


@quick
@given(st.lists(st.integers()))
def test_a_buffer_of_none_keeps_the_order(corpus):
    assert list(shuffled(corpus, 0, np.random.default_rng(0))) == corpus


def test_another_seed_gives_another_order():
    one, other = (list(shuffled(range(100), 30, np.random.default_rng(seed))) for seed in (0, 1))
    assert one != other != list(range(100))


def test_no_sentence_comes_earlier_than_the_buffer_allows():
    """The k-th that leaves a buffer of n is one of the first n + k, counted from 0."""
    for k, sentence in enumerate(shuffled(range(200), 10, np.random.default_rng(0))):
        assert sentence < k + 10


def test_every_order_of_a_small_corpus_occurs():
    found = {tuple(shuffled(range(3), 3, np.random.default_rng(seed))) for seed in range(100)}
    assert len(found) == 6      # one of six is missed by 100 draws once in 1e8


def test_every_sentence_in_the_buffer_may_be_the_next():
    """One of the first three, and then one of the others and the fourth; 200 draws miss one of nine once in 1e9."""
    found = {tuple(islice(shuffled(range(9), 3, np.random.default_rng(seed)), 2)) for seed in range(200)}
    assert found == {(one, other) for one in range(3) for other in range(4) if one != other}


def test_an_encoded_corpus_is_read_anew_at_every_pass_and_in_the_same_order():
    corpus = [["a"], ["b", "c"], [], ["d"]]
    encoded = EncodedCorpus(corpus, lambda words: [BOS, *map(ord, words), EOS], shuffle=3, seed=(1, 2))
    passes = [list(encoded) for _ in range(3)]
    assert passes[0] == passes[1] == passes[2]
    assert sorted(passes[0]) == [[0, 1], [0, 97, 1], [0, 98, 99, 1], [0, 100, 1]]


def test_another_seed_of_an_encoded_corpus_gives_another_order():
    corpus = [[str(n)] for n in range(50)]
    orders = [list(EncodedCorpus(corpus, lambda words: [int(words[0])], shuffle=50, seed=(0, epoch)))
              for epoch in (1, 2)]
    assert orders[0] != orders[1]


def test_a_window_ends_with_the_sentence_that_brings_it_to_so_many_words():
    sentences = [[0] * n for n in (3, 1, 2, 5, 1, 1)]
    def lengths(words):
        return [[len(sentence) for sentence in window] for window in sentence_windows(sentences, 1, words)]
    assert lengths(4) == [[3, 1], [2, 5], [1, 1]]
    assert lengths(2) == [[3], [1, 2], [5], [1, 1]]
    assert lengths(1) == [[n] for n in (3, 1, 2, 5, 1, 1)]
    assert lengths(None) == lengths(100) == [[3, 1, 2, 5, 1, 1]]
    assert [len(window) for window in sentence_windows([[0]] * 65, 1)] == [32, 32, 1]


def test_a_group_ends_where_another_sentence_would_make_it_too_large():
    lengths = [3, 3, 3, 9, 1, 20, 2]
    assert list(limited_groups(range(7), lengths, 4, 12)) == [[0, 1, 2], [3], [4], [5], [6]]
    assert list(limited_groups(range(7), lengths, 2, 1000)) == [[0, 1], [2, 3], [4, 5], [6]]
    assert list(limited_groups([4, 6, 0, 1, 2, 3, 5], lengths, 4, 12)) == [[4, 6, 0, 1], [2], [3], [5]]
    assert list(limited_groups([5, 4], lengths, 4, 12)) == [[5], [4]]
    assert list(limited_groups([], lengths, 4, 12)) == []


def test_sentences_of_ordinary_length_make_full_batches_whatever_their_number():
    for batch_size in (1, 32, 384):
        corpus = [[BOS, *range(2, 127), EOS]] * batch_size
        assert [batch.forward.x.shape for batch in sentence_batches(corpus, batch_size)] == [(126, batch_size)]
    assert most_steps(32) == 32 * 512


def test_long_sentences_have_fewer_columns_and_the_longest_comes_in_parts(monkeypatch):
    monkeypatch.setattr(batches, "MOST", 20)
    monkeypatch.setattr(batches, "PER_COLUMN", 1)
    corpus = [[BOS, *range(100 * n, 101 * n), EOS] for n in (48, 2, 7, 8, 3, 1)]
    found = list(sentence_batches(corpus, 3))
    assert [batch.forward.lengths.tolist() for batch in found] == [[2, 3, 4], [8, 9], [20], [20], [9]]
    assert [batch.fresh for batch in found] == [True, True, True, False, False]
    for side, pieces in zip(("forward", "backward"), (corpus, [sentence[::-1] for sentence in corpus]), strict=True):
        columns = [column for batch in found for column in read(getattr(batch, side))]
        assert Counter(pair for column in columns for pair in column) == pairs(pieces)
        assert [pair for column in columns[-3:] for pair in column] == list(pairwise(pieces[0]))


def test_the_parts_of_sentences_are_their_batch_cut_between_steps():
    group = [[BOS, 2, 3, 4, EOS], [BOS, 5, EOS], [BOS, 6, 7, EOS]]
    whole, = sentence_parts(group, 100)
    one, other = sentence_parts(group, 2)
    for k, side in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([one[k].x, other[k].x]), side.x)
        np.testing.assert_array_equal(np.concatenate([one[k].y, other[k].y]), side.y)
        np.testing.assert_array_equal(one[k].lengths + other[k].lengths, side.lengths)


def test_a_stream_is_never_fresh():
    assert not any(batch.fresh for batch in stream_batches([[BOS, 2, 3, EOS]] * 3, 2, 2))


def test_random_lengths_are_the_same_in_every_pass_and_near_the_steps_or_half_of_them():
    """0.05 of 10,000 are halved, give or take sqrt(0.05 * 0.95 / 10,000) = 0.0022; five of these."""
    steps = RandomSteps(70, (1, 2))
    one, other = (list(islice(steps, 10_000)) for _ in range(2))
    assert one == other != list(islice(RandomSteps(70, (1, 3)), 10_000))
    near, halved = ([T for T in one if abs(T - mean) < 17] for mean in (70, 35))
    assert len(near) + len(halved) >= 9_990             # 3.4 standard deviations
    assert np.mean(near) == pytest.approx(70, abs=0.3)
    assert np.std(near) == pytest.approx(5, abs=0.3)
    assert len(halved) / 10_000 == pytest.approx(0.05, abs=5 * 0.0022)


def test_a_random_length_is_at_least_a_step():
    assert set(islice(RandomSteps(1, (0,)), 1000)) == {1}


@pytest.mark.parametrize("way", [stream_batches, contiguous_batches])
def test_batches_of_random_lengths_have_every_pair_once_and_both_directions_the_same_lengths(way):
    corpus = [[BOS, *range(10 * k, 10 * k + 9), EOS] for k in range(1, 40)]
    found = list(way(corpus, 3, RandomSteps(12, (0,))))
    lengths = [len(batch.forward.x) for batch in found]
    assert lengths == [len(batch.backward.x) for batch in found] == list(islice(RandomSteps(12, (0,)), len(found)))
    assert len(set(lengths)) > 1
    sides = [batch.forward for batch in found]
    assert sum((Counter(pair for row in read(side) for pair in row) for side in sides), Counter()) == pairs(corpus)
