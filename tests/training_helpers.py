"""Shared by tests that train a model: a small corpus, a run that takes a tenth of a second, and what it leaves."""

import bz2
import gzip
import lzma

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.training.trainer import train

CORPUS = [sentence.tokens for sentence in GrammarCorpus(seed=0, sentences=300).labelled()]


def tiny(*assignments):
    """Settings of a run that takes a tenth of a second: in steps this small, a second thread doubles the work."""
    return override(Settings(), ["hidden_dim=8", "embedding_dim=8", "epochs=2", "batch_size=8", "steps=10",
                                 "optimizer=adam", "learning_rate=0.01", "threads=1", *assignments])


def run(out, *assignments, corpus=CORPUS, **options):
    return train(corpus, out, settings=tiny(*assignments), **{"quiet": True, **options})


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_shards(folder, sentences=CORPUS):
    """The sentences in a folder of six files, two of which are short."""
    folder.mkdir()
    ends = [0, len(sentences) // 3, len(sentences) // 3 + 1, len(sentences) // 2, len(sentences) // 2, -20, None]
    packed = {"a.txt": bytes, "b.gz": gzip.compress, "c.bz2": bz2.compress, "d.txt": bytes, "e.xz": lzma.compress,
              "f.gz": gzip.compress}
    for (name, pack), start, end in zip(packed.items(), ends, ends[1:], strict=False):
        text = "".join(" ".join(sentence) + "\n" for sentence in sentences[start:end])
        (folder / name).write_bytes(pack(text.encode()))
    return folder
