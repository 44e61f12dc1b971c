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
from ..corpus import open_corpus
from ..elmo import ELMo
from ..errors import UserError
from ..progress import Progress
from ..run import Folder
from ..vocabulary import Vocabulary
from .bilm import Source
from .folder import TaskFolder


@dataclass(frozen=True)
class Texts:
    """What a biLM has read, from its last training back to its first."""

    settings: tuple[Settings, ...]

    def __iter__(self) -> Iterator[Sequence[str]]:
        for own in self.settings:
            assert own.data.corpus is not None
            yield from open_corpus(own.data.corpus, tokenize=own.data.tokenize, seed=own.train.seed)


def texts(folder: TaskFolder, source: Source) -> Texts:
    """The corpora of the biLM that `bilm_for` made. Raises UserError where one is not known, or is not there."""
    found: list[Settings] = []
    run: str | None = source.given if source.given and not source.fine_tune else str(folder.own_bilm)
    while run is not None:
        file = Folder(Path(run)).config
        settings = read_toml(file, Settings())
        if settings.data.corpus is None:
            raise UserError(f"{file} names no corpus")
        open_corpus(settings.data.corpus)
        found.append(settings)
        run = settings.data.fine_tune
    return Texts(tuple(found))


def texts_or_why(folder: TaskFolder, source: Source) -> Texts | str:
    """What `texts` gives, or a line that says why word2vec is left out of a comparison."""
    if importlib.util.find_spec("gensim") is None:
        return "  for word2vec beside them: pip install 'elmo_np[word2vec]'"
    try:
        return texts(folder, source)
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
