"""word2vec to compare a biLM with: gensim's vectors, trained on the biLM's text; the extra [word2vec].

Source: Mikolov et al. 2013, skip-gram with negative sampling.
"""

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
from .task_bilm import BilmSpec
from .task_directory import TaskDirectory


def installed() -> bool:
    """Whether gensim is installed."""
    return importlib.util.find_spec("gensim") is not None


def vectors_or_why(directory: TaskDirectory, bilm: BilmSpec, width: int, seed: int, progress: Progress,
                   known: dict[Texts, ELMo]) -> ELMo | str:
    """The model that `trained` returns for the biLM's text, or a line with the reason why there is none.

    known   models of earlier calls; the one of the last text is kept here
    """
    if not installed():
        return "  for word2vec in this comparison: pip install 'elmo_np[word2vec]'"
    try:
        corpus = texts(bilm.given if bilm.given and not bilm.fine_tune else str(directory.own_bilm))
        if corpus not in known:
            progress.show("reading the biLM's text")
            known.clear()
            known[corpus] = trained(corpus, width, seed, progress)
        return known[corpus]
    except UserError as error:
        return f"  word2vec is left out, because the biLM's text is not available to train it on: {error}"


def trained(corpus: Texts, width: int, seed: int, progress: Progress) -> ELMo:
    """A model with word2vec's vectors as layer 0, its only meaningful layer, with as many values as the biLM's. Words
    that are too rare have the zero vector, as has <unk>."""
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    class EpochProgress(CallbackAny2Vec):  # type: ignore[misc, unused-ignore]
        done = 0

        def on_epoch_begin(self, model: Any) -> None:
            self.done += 1
            progress.show(f"training word2vec, epoch {self.done} of {model.epochs}")

    least = corpus.settings[-1].data.min_count
    fitted: Any = Word2Vec(list(corpus.words()), vector_size=width, sg=1, min_count=least, seed=seed, workers=1,
                           callbacks=[EpochProgress()])
    vocabulary = Vocabulary.build([fitted.wv.index_to_key])
    config = BiLMConfig(direction="forward", embedding_dim=width, hidden_dim=1, predict=False)
    model = BiLM(config, len(vocabulary), rng=np.random.default_rng(seed))
    layer: Any = model.forward_lm.embedding
    layer.E.value[...] = 0
    for word in fitted.wv.index_to_key:
        layer.E.value[vocabulary.id(word)] = fitted.wv[word]
    progress.close()
    return ELMo(model, vocabulary)
