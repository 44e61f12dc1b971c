"""Sentences to vectors in scikit-learn pipelines: the extra [sklearn].

    make_pipeline(ElmoTransformer("run"), LogisticRegression()).fit(sentences, labels)
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
except ImportError:
    raise ImportError("elmo_np.sklearn needs scikit-learn: pip install 'elmo_np[sklearn]'") from None

from .data.corpus import splitter
from .errors import UserError
from .inference.coverage import Coverage
from .inference.elmo import ELMo
from .types import Array


class ElmoTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A sentence -> one vector: the contextual vectors of its words, pooled.

    model     the directory of a run, a model file, or a published model: the transformer keeps the path, so its pickle
              is small, and loading it needs the model at that path. Or an ELMo: clones share it, and a pickle contains
              all of it
    layer     "top", "average", "sum", "mix", one layer by its number, or "all": those of `ELMo.layers` side by side
    pooling   "mean" or "max", over the words only
    state     "reset": every sentence from a zero state; "warm": every sentence from one settled state, the same for all
    tokenize  whether sentences given as text are split by `elmo_np.data.text.tokens` or at spaces; None: as the
              model's corpus

    Nothing is learnt from the sentences: `transform` needs no `fit`, and the vector of a sentence does not depend on
    the others. All errors are UserError, a ValueError.
    """

    def __init__(self, model: Any = None, *, layer: str | int = "average", pooling: str = "mean",
                 state: str = "reset", tokenize: bool | None = None):
        self.model = model
        self.layer = layer
        self.pooling = pooling
        self.state = state
        self.tokenize = tokenize

    def fit(self, X: Iterable[str | Sequence[str]], y: object = None) -> ElmoTransformer:
        """Load the model, and check parameters and sentences. X as in `transform`; y is ignored."""
        self._forget()
        self._split(self._checked(), X)
        return self

    def fit_transform(self, X: Iterable[str | Sequence[str]], y: object = None) -> Array:
        """`fit` and `transform` in one pass: X may be a generator."""
        self._forget()
        return self.transform(X)

    def transform(self, X: Iterable[str | Sequence[str]]) -> Array:
        """X: N sentences, each a text or a sequence of tokens -> (N, features) in the model's dtype, usually float32.

        The row of a sentence without a word is zero, as TF-IDF's is. Warns if more than a third of the words are
        unknown to the model. Raises UserError for a matrix, dense or sparse, for no sentence, or one that is not text.
        """
        elmo = self._checked()
        sentences = self._split(elmo, X)
        found = Coverage(elmo)
        given = found.watch(filter(None, sentences))
        pooled = elmo.sentence_vectors(given, self.layer, self.state, self.pooling)
        rows = np.zeros((len(sentences), self._n_features_out), elmo.word_vector.W.value.dtype)
        for row, vector in zip((k for k, words in enumerate(sentences) if words), pooled, strict=True):
            rows[row] = vector.reshape(-1)
        if found.poor:
            warnings.warn(found.line, UserWarning, stacklevel=2)
        return rows

    @property
    def elmo(self) -> ELMo:
        """The ELMo in use; one given by its path is loaded when it is first needed."""
        if isinstance(self.model, ELMo):
            return self.model
        if not isinstance(self.model, str | os.PathLike):
            raise UserError(f"model = {self.model!r:.60}: expected the folder of a run, a model file or an ELMo, such "
                            "as ElmoTransformer(\"run\")")
        loaded: tuple[object, ELMo] | None = self.__dict__.get("_loaded")
        if loaded is None or loaded[0] != self.model:
            self._loaded = loaded = self.model, ELMo.load(self.model)
        return loaded[1]

    @property
    def _n_features_out(self) -> int:
        """What `get_feature_names_out` counts."""
        elmo = self._checked()
        return elmo.width(self.layer) * (len(elmo.layers) if self.layer == "all" else 1)

    def _checked(self) -> ELMo:
        """The ELMo. Raises UserError for parameters that it cannot meet."""
        if self.state == "carry":
            raise UserError("state 'carry': a vector would depend on the sentences before it; expected reset or warm")
        elmo = self.elmo
        elmo.sentence_vectors((), self.layer, self.state, self.pooling)
        return elmo

    def _split(self, elmo: ELMo, X: Any) -> list[list[str]]:
        """The tokens of every sentence."""
        if self.tokenize not in (True, False, None):
            raise UserError(f"tokenize = {self.tokenize!r:.60}: expected True, False or None")
        if isinstance(X, str):
            raise UserError(f"X is the text {X[:40]!r}: expected sentences; for a single one give a list, [text]")
        if getattr(X, "ndim", 1) != 1:
            raise UserError(f"X is a {type(X).__name__} of shape {X.shape}: expected a list or a column of sentences; "
                            "from a table give one column, such as table[\"text\"]")
        if not isinstance(X, Iterable) or isinstance(X, Mapping | set | frozenset | bytes):
            raise UserError(f"X is of type {type(X).__name__}: expected a list of sentences")
        sentences = [self._words(elmo, number, sentence) for number, sentence in enumerate(X)]
        if not sentences:
            raise UserError("X has no sentences: expected at least one")
        return sentences

    def _words(self, elmo: ELMo, number: int, sentence: Any) -> list[str]:
        if isinstance(sentence, str):
            split = elmo.tokenize if self.tokenize is None else self.tokenize
            words = splitter(split)(sentence)
        elif isinstance(sentence, Sequence | np.ndarray) and not isinstance(sentence, bytes) \
                and getattr(sentence, "ndim", 1) != 0 and all(isinstance(word, str) for word in sentence):
            words = list(sentence)
        else:
            raise UserError(f"sentence {number} is {sentence!r:.60}: expected a text, or a list of string tokens")
        return words

    def _forget(self) -> None:
        """Load the model of a path again: it may have been replaced."""
        self.__dict__.pop("_loaded", None)

    def __sklearn_clone__(self) -> ElmoTransformer:
        """Share the ELMo, which scikit-learn would copy: nothing here changes it."""
        bare = copy.copy(self)
        bare.model = None
        clone: ElmoTransformer = super(ElmoTransformer, bare).__sklearn_clone__()
        clone.model = self.model
        return clone

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_loaded"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.input_tags.two_d_array = tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []      # the input has none
        return tags
