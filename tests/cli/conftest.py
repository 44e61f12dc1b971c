"""Shared by tests of convert and export: a command in a directory of its own, and published files."""

import numpy as np
import pytest

from elmo_np.cli.main import main


@pytest.fixture
def lines(capsys, tmp_path, monkeypatch):
    """Run a command in a folder of its own, where text.txt has SENTENCES: its lines, or its one line of an error."""
    from tests.published_weights import SENTENCES, WORDS  # needs h5py
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("".join(" ".join(sentence) + "\n" for sentence in SENTENCES))
    (tmp_path / "words.txt").write_text("\n".join(WORDS) + "\n")

    def do(*words, code=0):
        capsys.readouterr()
        assert main([str(word) for word in words]) == code
        out, err = capsys.readouterr()
        if code:
            assert (out, err.count("\n")) == ("", 1)
            assert err.startswith("elmo-np: error: ")
        return err if code else out.splitlines()
    return do


@pytest.fixture
def files(tmp_path, rng):
    """A function that writes options and weights: of characters, or of WORDS by id; with a softmax or without."""
    from tests import bilm_tf_reference as reference  # needs h5py

    def write(characters=True, softmax=False, **changes):
        table = reference.options(**changes)
        if not characters:
            del table["char_cnn"]
        arrays = reference.weights(table, V=6)
        if softmax:
            arrays |= {"softmax/W": rng.normal(size=(6, 5)).astype(np.float32),
                       "softmax/b": rng.normal(size=6).astype(np.float32)}
        return [*reference.write(tmp_path, table, arrays), table, arrays]
    return write
