"""Named pipes, devices and links to them in place of a file: every reader refuses them at once, and a huge file too."""

import os
import signal
import sys
from pathlib import Path

import pytest

from elmo_np import ELMo
from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.config.toml_files import read_toml
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.word_cache import WordCache
from elmo_np.io import safetensors_file
from elmo_np.io.bilm_tf_options import Options
from elmo_np.io.foreign_models import is_hdf5
from elmo_np.io.hdf5 import Weights
from elmo_np.nn.bilm import BiLM
from elmo_np.tasks.experiments.task_bilm import bilm_of
from elmo_np.tasks.experiments.task_directory import TaskDirectory
from elmo_np.training import metrics
from elmo_np.viz import page

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has no such files")


def cache(path):
    config = BiLMConfig(embedding_dim=2, hidden_dim=2, char_filters=((1, 2),), predict=False)
    return WordCache.load(path, BiLM(config, 0, rng=None))


def weights(path):
    pytest.importorskip("h5py")
    return Weights(path)


def named_bilm(path):
    directory = TaskDirectory(path.parent)
    directory.model.touch()
    path.rename(directory.bilm)
    return bilm_of(directory, None, "sentiment")


READERS = {
    "model": ELMo.load,
    "model file": safetensors_file.load,
    "word cache": cache,
    "vocabulary": Vocabulary.load,
    "config": lambda path: read_toml(path, Settings()),
    "options": Options.load,
    "weights": weights,
    "metrics": metrics.read,
    "page": lambda path: page.write(path, "text"),
    "bilm.txt": named_bilm,
}
LIMITED = ["vocabulary", "config", "metrics", "bilm.txt"]


@pytest.fixture(autouse=True)
def soon():
    """A test that waits for a pipe or reads without end fails after 10 s."""
    def stop(*_):
        raise AssertionError("it hangs")
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_not_a_regular_file_is_refused(tmp_path: Path, reader, kind):
    path = tmp_path / "file"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(UserError) as caught:
        READERS[reader](path)
    assert "\n" not in str(caught.value)
    assert not is_hdf5(str(path))


@pytest.mark.parametrize("reader", LIMITED)
def test_a_file_of_a_terabyte_is_refused_before_it_is_read(tmp_path: Path, reader):
    path = tmp_path / "file"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UserError, match="it has 1,099,511,627,776 bytes, expected at most"):
        READERS[reader](path)
