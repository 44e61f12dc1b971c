"""Sentences in a temporary file: what is read is what was written, from any place, and the parts share it out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_np.data import spool
from elmo_np.data.spool import Spool
from elmo_np.errors import UserError

SENTENCES = st.lists(st.lists(st.integers(0, 2**31 - 1), min_size=2, max_size=9), max_size=40)


@given(SENTENCES, st.data())
@settings(deadline=None)
def test_any_part_reads_as_it_was_written(sentences, data):
    made = Spool(sentences)
    assert len(made) == len(sentences)
    start = data.draw(st.integers(0, len(sentences)))
    stop = data.draw(st.integers(start, len(sentences)))
    assert list(made.read(range(start, stop))) == sentences[start:stop]


@given(SENTENCES, st.integers(1, 12))
@settings(deadline=None)
def test_the_parts_are_all_sentences_once_in_their_order(sentences, number):
    parts = Spool(sentences).parts(number)
    assert len(parts) == number
    assert [k for part in parts for k in part] == list(range(len(sentences)))


@given(SENTENCES, st.integers(1, 12))
@settings(deadline=None)
def test_no_part_is_longer_than_its_share_by_more_than_a_sentence(sentences, number):
    made = Spool(sentences)
    targets = [len(sentence) - 1 for sentence in sentences]
    for part in made.parts(number):
        assert sum(targets[k] for k in part) <= sum(targets) / number + max(targets, default=0)


def test_more_sentences_than_are_written_at_a_time():
    sentences = [[k, k + 1, k + 2] for k in range(3000)]
    assert list(Spool(sentences).read(range(3000))) == sentences


def test_parts_are_read_side_by_side():
    made = Spool([[1, 2], [3, 4], [5, 6], [7, 8]])
    one, other = (made.read(part) for part in made.parts(2))
    assert [next(one), next(other), next(one), next(other)] == [[1, 2], [5, 6], [3, 4], [7, 8]]


def test_a_full_disk_is_said_in_one_line(monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(spool.tempfile, "TemporaryFile", full)
    with pytest.raises(UserError, match=r"No space left on device; expected room .* TMPDIR"):
        Spool([[1, 2]])


def test_ids_are_numbers_of_python():
    """They are compared, counted and sliced as those of any other corpus."""
    sentence, = Spool([[1, 2, 3]]).read(range(1))
    assert all(type(word) is int for word in sentence)
    assert sentence.count(np.int32(2)) == 1
