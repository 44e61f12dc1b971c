"""Shared by tests that train a model: a small corpus, a run that takes a tenth of a second, and what it leaves."""

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.training.trainer import train

CORPUS = [sentence.tokens for sentence in GrammarCorpus(seed=0, sentences=300).labelled()]


def tiny(*assignments):
    """Settings of a run that takes a tenth of a second."""
    return override(Settings(), ["hidden_dim=8", "embedding_dim=8", "epochs=2", "batch_size=8", "steps=10",
                                 "optimizer=adam", "learning_rate=0.01", *assignments])


def run(out, *assignments, corpus=CORPUS, **options):
    return train(corpus, out, settings=tiny(*assignments), **{"quiet": True, **options})


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
