"""word2vec beside a biLM: gensim's vectors, trained on the text that the biLM has read; the extra [word2vec].

Source: Mikolov et al. 2013, skip-gram with negative sampling.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from ...config.schema import BiLMConfig
from ...data.vocabulary import Vocabulary
from ...errors import UserError
from ...inference.elmo import ELMo
from ...nn.bilm import BiLM
from ...runtime.progress import Progress
from .bilm_text import Texts, texts
from .folder import TaskDirectory
from .task_bilm import BilmSpec


def available() -> bool:
    """Whether gensim is there."""
    return importlib.util.find_spec("gensim") is not None


def vectors_or_why(folder: TaskDirectory, source: BilmSpec, D: int, seed: int, progress: Progress,
                   known: dict[Texts, ELMo]) -> ELMo | str:
    """What `trained` gives for the biLM's text, or a line that says why word2vec is left out of a comparison.

    known   what there is from before; of the last text it is kept here
    """
    if not available():
        return "  for word2vec beside them: pip install 'elmo_np[word2vec]'"
    try:
        corpus = texts(source.given if source.given and not source.fine_tune else str(folder.own_bilm))
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
    from gensim.models.callbacks import CallbackAny2Vec

    class Shown(CallbackAny2Vec):  # type: ignore[misc, unused-ignore]
        done = 0

        def on_epoch_begin(self, model: Any) -> None:
            self.done += 1
            progress.show(f"training word2vec, epoch {self.done} of {model.epochs}")

    least = corpus.settings[-1].data.min_count
    made: Any = Word2Vec(list(map(list, corpus)), vector_size=2 * D, sg=1, min_count=least, seed=seed, workers=1,
                         callbacks=[Shown()])
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
