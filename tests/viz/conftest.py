"""Shared by tests of the pages: a model of the grammar, and a trained one whose corpus holds markup."""

import pytest

from elmo_np.cli.main import main
from elmo_np.data.grammar import GrammarCorpus
from tests.page_helpers import model
from tests.training_helpers import CORPUS

SMALL = ["--preset", "demo"]
SMALL += [word for key in ("hidden_dim=8", "embedding_dim=8", "batch_size=8", "epochs=1", "threads=1")
          for word in ("--set", key)]


@pytest.fixture(scope="module")
def grammar():
    """(model, corpus)."""
    corpus = GrammarCorpus(sentences=2500)
    return model(list(corpus)), corpus


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A directory with corpus.txt and the run trained on it."""
    folder = tmp_path_factory.mktemp("run")
    text = "".join(" ".join(sentence) + "\n" for sentence in [*CORPUS[:200], ("the", "<script>", "word", "bank", ".")])
    (folder / "corpus.txt").write_text(text, encoding="utf-8")
    assert main(["train", str(folder / "corpus.txt"), "--out", str(folder / "run"), "--quiet", *SMALL]) == 0
    return folder
