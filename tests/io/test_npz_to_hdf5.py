"""npz_to_hdf5: the same arrays in an HDF5 file, with the sentences; nothing is left of a file that was not finished."""

import os
import subprocess
import sys

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io import npz_to_hdf5
from elmo_np.io.npz import ArrayFile
from elmo_np.runtime.signals import Signals
from tests.posix import needs_limits, needs_links

h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")

SENTENCES = [["the", "bank"], ["Ångström", "\udcff"], ["."]]


@pytest.fixture
def arrays(rng):
    return [rng.normal(size=shape).astype(np.float32) for shape in ((2, 2, 3), (2, 5, 3), (4, 3))]


@pytest.fixture
def source(tmp_path, arrays):
    """The file of the arrays, without a directory, and its size."""
    file = ArrayFile(tmp_path / "arrays.npz")
    for k, array in enumerate(arrays):
        file.add(str(k), array.shape[-2], [array])
    size = file.sync()
    file.close()
    return tmp_path / "arrays.npz", size


@pytest.mark.parametrize("rows", [1, 2, 1024])
def test_arrays_and_sentences_are_those_of_the_source_at_any_number_of_rows_at_a_time(tmp_path, source, arrays, rows,
                                                                                       monkeypatch):
    monkeypatch.setattr(npz_to_hdf5, "ROWS", rows)
    npz_to_hdf5.write(tmp_path / "x.hdf5", *source, iter(SENTENCES), Signals(), b"from a to b")
    assert npz_to_hdf5.comment_of(tmp_path / "x.hdf5") == b"from a to b"
    with h5py.File(tmp_path / "x.hdf5") as file:
        assert set(file) == {"0", "1", "2", "sentences"}
        for k, array in enumerate(arrays):
            np.testing.assert_array_equal(file[str(k)][...], array)
            assert file[str(k)].dtype == np.float32
        assert list(file["sentences"].asstr()) == ["the bank", "Ångström ?", "."]


def test_ctrl_c_leaves_no_file(tmp_path, source):
    signals = Signals()
    signals.raised.append(2)
    with pytest.raises(KeyboardInterrupt):
        npz_to_hdf5.write(tmp_path / "x.hdf5", *source, SENTENCES, signals)
    assert os.listdir(tmp_path) == ["arrays.npz"]


def test_a_file_that_cannot_be_written_is_reported(tmp_path, source):
    with pytest.raises(UserError, match=r"^cannot write .*none/x\.hdf5: No such file or directory; expected an exist"):
        npz_to_hdf5.write(tmp_path / "none" / "x.hdf5", *source, SENTENCES, Signals())


@needs_links
def test_a_link_in_the_place_of_a_temporary_file_is_not_followed(tmp_path, source):
    (tmp_path / "precious").write_text("kept")
    (tmp_path / ".x.hdf5.tmp").symlink_to(tmp_path / "precious")
    npz_to_hdf5.write(tmp_path / "x.hdf5", *source, SENTENCES, Signals())
    assert (tmp_path / "precious").read_text() == "kept"


FULL = """
import resource, sys
from pathlib import Path
from elmo_np.errors import UserError
from elmo_np.errors import UserError
from elmo_np.io import npz_to_hdf5
from elmo_np.runtime.signals import Signals
folder, size = Path(sys.argv[1]), int(sys.argv[2])
for limit in range(0, 40_000, 1_500):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        npz_to_hdf5.write(folder / "x.hdf5", folder / "arrays.npz", size, [["a", "b"]] * 30, Signals())
    except UserError as error:
        print(str(error).split(": ")[1].split(";")[0])
"""


@needs_limits
def test_a_disk_that_is_full_at_any_size_is_reported(tmp_path):
    """HDF5 crashes where it cannot write, so this is another process."""
    pytest.importorskip("resource", reason="this system has no limit on the size of files")
    file = ArrayFile(tmp_path / "arrays.npz")
    for k in range(30):
        file.add(str(k), 5, [np.ones((3, 5, 16), np.float32)])
    size = file.sync()
    file.close()
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path), str(size)], capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "File too large\n" * 27
    assert os.listdir(tmp_path) == ["arrays.npz"]
