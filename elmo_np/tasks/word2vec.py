"""word2vec beside a biLM: gensim's vectors, trained on the text that the biLM has read; the extra [word2vec].

Source: Mikolov et al. 2013, skip-gram with negative sampling.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..bilm import BiLM
from ..config import BiLMConfig, Settings, read_toml
from ..corpus import Corpus, held_out, open_corpus
from ..elmo import ELMo
from ..errors import UserError
from ..progress import Progress
from ..run import Folder, read_model
from ..vocabulary import Vocabulary
from .bilm import Source
from .folder import TaskFolder


@dataclass(frozen=True)
class Texts:
    """What a biLM has read, from its last training back to its first; models: the files that those trainings wrote."""

    settings: tuple[Settings, ...]
    models: tuple[Path, ...]

    def __iter__(self) -> Iterator[Sequence[str]]:
        for own in self.settings:
            yield from _opened(own)

    def check(self) -> None:
        """Raise UserError for a corpus in which words do not occur as often as the model has counted them: another
        file may be at its place, or lie there from where this program was started."""
        for own, model in zip(self.settings, self.models, strict=True):
            vocabulary = read_model(model, mmap=True).vocabulary
            corpus = _opened(own)
            # Given from Python, what was validated on has no name in the settings.
            if vocabulary.counts and vocabulary.counted(corpus).counts != vocabulary.counts and \
                    vocabulary.counted(held_out(corpus, own.data.held_out)[0]).counts != vocabulary.counts:
                raise UserError(f"{own.data.corpus} is not the text that {model} has read: expected the same words, as "
                                "often")


def _opened(settings: Settings) -> Corpus:
    assert settings.data.corpus is not None
    return open_corpus(settings.data.corpus, tokenize=settings.data.tokenize, seed=settings.train.seed)


def texts(folder: TaskFolder, source: Source) -> Texts:
    """The corpora of the biLM that `bilm_for` made. Raises UserError where one is not known, or is not there."""
    found: dict[Path, Settings] = {}
    run: str | None = source.given if source.given and not source.fine_tune else str(folder.own_bilm)
    while run is not None:
        model = read_model(run, mmap=True).path
        file = Folder(model.parent).config
        settings = read_toml(file, Settings())
        if settings.data.corpus is None:
            raise UserError(f"{file} names no corpus")
        open_corpus(settings.data.corpus)
        if model.resolve() in found:
            raise UserError(f"{file} says that the model was fine-tuned from itself")
        found[model.resolve()] = settings
        run = settings.data.fine_tune
    return Texts(tuple(found.values()), tuple(found))


def available() -> bool:
    """Whether gensim is there."""
    return importlib.util.find_spec("gensim") is not None


def vectors_or_why(folder: TaskFolder, source: Source, D: int, seed: int, progress: Progress,
                   known: dict[Texts, ELMo]) -> ELMo | str:
    """What `trained` gives for the biLM's text, or a line that says why word2vec is left out of a comparison.

    known   what there is from before; of the last text it is kept here
    """
    if not available():
        return "  for word2vec beside them: pip install 'elmo_np[word2vec]'"
    try:
        corpus = texts(folder, source)
        if corpus not in known:
            progress.show("reading the biLM's text")
            corpus.check()
            known.clear()
            known[corpus] = trained(corpus, D, seed, progress)
        return known[corpus]
    except UserError as error:
        return f"  word2vec is left out, because the biLM's text is not there to train it on: {error}"


def trained(corpus: Texts, D: int, seed: int, progress: Progress) -> ELMo:
    """A model of whose layers only the word vectors, layer 0, are meant: word2vec's, 2 D numbers a word, as many as
    both directions of the biLM have together. Words that are too rare have the zero vector."""
    from gensim.models import Word2Vec

    progress.show("training word2vec")
    least = corpus.settings[-1].data.min_count
    made: Any = Word2Vec(list(map(list, corpus)), vector_size=2 * D, sg=1, min_count=least, seed=seed, workers=1)
    vocabulary = Vocabulary.build([made.wv.index_to_key])
    config = BiLMConfig(embedding_dim=D, hidden_dim=1, predict=False)
    model = BiLM(config, len(vocabulary), rng=np.random.default_rng(seed))
    vectors = np.zeros((len(vocabulary), 2 * D), np.float32)
    for word in made.wv.index_to_key:
        vectors[vocabulary.id(word)] = made.wv[word]
    # As layer 0 has them side by side: one half is the forward direction's, the other the backward direction's
    halves: Any = model.forward_lm.embedding, model.backward_lm.embedding
    halves[0].E.value[...], halves[1].E.value[...] = vectors[:, :D], vectors[:, D:]
    progress.close()
    return ELMo(model, vocabulary)
