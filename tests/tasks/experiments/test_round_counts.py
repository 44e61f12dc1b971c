"""round_counts: what is in the file is what was added, and a damaged file is named."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.experiments.round_counts import RoundCounts, read_rounds


def test_counts_are_there_again(tmp_path):
    first = RoundCounts(tmp_path / "new" / "1.npz")
    first.add("static, nearest", np.array([[1, 1], [0, 1]]))
    first.add("mix", np.array([[1, 1], [1, 1]]))
    first.add("mix", np.array([[0, 1], [1, 1]]))
    again = RoundCounts(tmp_path / "new" / "1.npz")
    assert list(again.found) == ["static, nearest", "mix"]
    assert (again.has("mix", 1), again.has("mix", 2), again.has("other", 0)) == (True, False, False)
    assert not again.complete
    again.end()
    assert RoundCounts(tmp_path / "new" / "1.npz").complete
    found, = read_rounds(tmp_path / "new", 1)
    assert {name: counts.shape for name, counts in found.items()} == {"static, nearest": (1, 2, 2), "mix": (2, 2, 2)}
    assert found["mix"].tolist() == [[[1, 1], [1, 1]], [[0, 1], [1, 1]]]


def test_nothing_is_written_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    RoundCounts().add("mix", np.zeros((1, 2)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("contents", [b"", b"no zip", b"PK\x03\x04"])
def test_a_damaged_file_is_named(tmp_path, contents):
    (tmp_path / "1.npz").write_bytes(contents)
    with pytest.raises(UserError, match=r"1\.npz is damaged: remove it, and its models are trained again"):
        RoundCounts(tmp_path / "1.npz")
