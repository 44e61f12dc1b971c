"""The corpora that a run's config.toml names, if they are still the texts that its model was trained on.

A run may come from anybody, and its config.toml may name any file on this machine, whose contents must not end up in a
page or among vectors. The model records the SHA-256 of its sentences, which nobody can know who has not read them.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from ..config.schema import Settings
from ..data.corpus import BUILT_IN, Corpus, corpus_sha256, held_out, open_corpus
from ..errors import UserError
from . import safetensors_file
from .run_directory import RunDirectory

CORPORA = "corpora"     # metadata of a model: the fingerprints of the training and the validation text, as JSON


def training_corpus(path: Path, settings: Settings, named: bool = False) -> Corpus:
    """What the model in a run's directory, or in a model file, was trained on. Raises UserError for any other text.

    named   the person has just named it, so that it needs no check
    """
    data = settings.data
    if data.corpus is None:
        raise UserError(f"{path} does not record its training corpus: expected its name in config.toml")
    corpus = open_corpus(data.corpus, tokenize=data.tokenize, seed=settings.train.seed, shards=data.shards)
    if not named and data.corpus not in BUILT_IN:
        _check(path, data.corpus, _fingerprints(corpus, settings))
    return corpus


def validation_text(path: Path, settings: Settings, named: bool = False) -> Corpus:
    """What that model was validated on, likewise."""
    name = settings.data.valid
    if name is None:
        return held_out(training_corpus(path, settings, named), settings.data.held_out)[1]
    valid = open_corpus(name, tokenize=settings.data.tokenize, seed=settings.train.seed)
    if not named and name not in BUILT_IN:
        _check(path, name, (json.dumps([sha])[1:] for sha in [corpus_sha256(valid)]))     # the end of the record
    return valid


def _fingerprints(corpus: Corpus, settings: Settings) -> Iterator[str]:
    """How a record of this corpus may read: with a part of it held out, or with another text, which may have no name,
    after all of it."""
    if settings.data.valid is None:
        yield json.dumps([corpus_sha256(part) for part in held_out(corpus, settings.data.held_out)])
    yield json.dumps([corpus_sha256(corpus)])[:-1]      # the beginning of the record


def _check(path: Path, name: str, fingerprints: Iterator[str]) -> None:
    run = RunDirectory(path if path.is_dir() else path.parent)
    files = (file for file in (run.model if path.is_dir() else path, run.last) if file.exists())
    texts = (safetensors_file.load(file, mmap=True)[1] for file in files)   # those of 0.1: in run.last only
    recorded = next((found[CORPORA] for found in texts if CORPORA in found), "")
    if not recorded or not any(fingerprint in recorded for fingerprint in fingerprints):
        why = "is not the text that the model was trained on" if recorded else "cannot be compared with what the " \
              "model was trained on, which it does not record"
        raise UserError(f"{name}, which {run.config} names, {why}: expected the same sentences")
