"""ELMo vectors in spaCy pipelines: nlp.add_pipe("elmo_np", config={"model": "run"}); the extra [spacy]."""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

try:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.util import minibatch
except ImportError:
    raise ImportError("elmo_np.spacy needs spaCy: pip install 'elmo_np[spacy]'") from None
from .inference.coverage import Coverage
from .inference.elmo import ELMo


def similarity(one: Any, other: Any) -> float:
    """Cosine of the vectors. Without this hook spaCy returns 1 for a word and the same word in another sentence."""
    lengths = one.vector_norm * other.vector_norm
    return float(one.vector @ other.vector / lengths) if lengths else 0.0


@Language.factory("elmo_np", assigns=["doc.tensor", "token.vector"], default_config={"layer": "top"})
class ElmoComponent:
    """The vector of every token in its sentence, or in its text if there are no sentences; zeros for white space.
    Between processes spaCy sends doc.tensor but no hooks. The first texts of which more than a third of the words are
    unknown to the model give a warning."""

    def __init__(self, nlp: Language, name: str, model: str, layer: int | str):
        self.elmo, self.layer = ELMo.load(model), layer
        self.warned = False
        self.elmo.check(layer)                      # a wrong layer is reported before the first text

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], batch_size: int = 128) -> Iterator[Doc]:
        for docs in minibatch(stream, batch_size):
            for doc in docs:
                doc.tensor = np.zeros((len(doc), self.elmo.width(self.layer)), np.float32)
                doc.user_token_hooks["vector"] = lambda token: token.doc.tensor[token.i]
                for hooks in doc.user_hooks, doc.user_token_hooks, doc.user_span_hooks:
                    hooks["similarity"] = similarity
            spans = [span for doc in docs for span in (doc.sents if doc.has_annotation("SENT_START") else [doc])]
            words = [found for span in spans if (found := [token for token in span if not token.is_space])]
            known = Coverage(self.elmo)
            texts = known.watch([token.text for token in sentence] for sentence in words)
            vectors = self.elmo.stream(texts, self.layer)
            for sentence, h in zip(words, vectors, strict=True):
                sentence[0].doc.tensor[[token.i for token in sentence]] = h
            if known.poor and not self.warned:
                self.warned = True
                warnings.warn(known.line, UserWarning, stacklevel=2)
            yield from docs
