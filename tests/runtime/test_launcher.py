"""Which process of an MPI launcher this one is, as its environment says."""

import pytest

from elmo_np.errors import UserError
from elmo_np.runtime.launcher import VARIABLES, rank_and_size


@pytest.fixture(autouse=True)
def unlaunched(monkeypatch):
    """Without the variables of a launcher that has started the tests."""
    for name in (name for pair in VARIABLES for name in pair):
        monkeypatch.delenv(name, raising=False)


def test_without_a_launcher_there_is_one_process():
    assert rank_and_size() == (0, 1)


@pytest.mark.parametrize("pair", VARIABLES, ids=lambda pair: pair[0])
def test_a_launcher_tells_rank_and_size(monkeypatch, pair):
    for name, text in zip(pair, ("3", "12"), strict=True):
        monkeypatch.setenv(name, text)
    assert rank_and_size() == (3, 12)


def test_half_a_pair_is_none(monkeypatch):
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    assert rank_and_size() == (0, 1)


@pytest.mark.parametrize("texts", [("2", "2"), ("-1", "2"), ("a", "2"), ("0", ""), ("0", "0"), ("0", "1" * 5000)])
def test_what_is_no_rank_of_a_size_is_one_line(monkeypatch, texts):
    for name, text in zip(("PMI_RANK", "PMI_SIZE"), texts, strict=True):
        monkeypatch.setenv(name, text)
    message = r"^the environment has PMI_RANK='.* and PMI_SIZE='.*: expected a rank"
    with pytest.raises(UserError, match=message) as raised:
        rank_and_size()
    assert len(str(raised.value)) < 300
