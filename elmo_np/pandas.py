"""Sentences in a column of pandas frames to vectors in another: for pandas, and for the engines that compute with its
frames on many machines, Dask (the extra [dask]) and Spark (the extra [spark]).

    embed_frame(frame, "run", "text")                                                           # pandas
    frames.map_partitions(embed_frame, "run", "text")                                           # Dask
    frames.mapInPandas(partial(embed_frames, model="run", column="text"), schema=schema)        # Spark
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

try:
    import pandas as pd
except ImportError:
    raise ImportError("elmo_np.pandas needs pandas: pip install 'elmo_np[dask]' or 'elmo_np[spark]'") from None

from .data.sentences import checked_words
from .errors import UserError
from .inference.coverage import Coverage
from .inference.elmo import ELMo
from .io.run_directory import RunDirectory
from .types import Array

ROWS = 256              # rows that are embedded at a time: their vectors are all that is held
_loading = Lock()       # Dask's threads share a model


def embed_frames(frames: Iterable[Any], model: str | os.PathLike[str], column: str, *, out: str = "vector",
                 layer: str | int = "average", pooling: str | None = "mean", state: str = "reset") -> Iterator[Any]:
    """The frames with one more column, the vectors, in frames of at most ROWS rows: memory does not grow with theirs.

    model       the directory of a run, a model file, or a published model, where every worker can read it. A process
                reads it once, however many frames it embeds, and again when it is replaced
    column      its sentences: texts, which are split as the model's corpus was, or lists of words
    out         the name of the new column
    layer       as in `ELMo.vectors`, or "all": those of `ELMo.layers` side by side
    pooling     "mean" or "max" over the words: an array (dim,) per row, in Spark's schema array<float>. None: a list of
                such arrays, one per word, array<array<float>>
    state       "reset": every sentence from a zero state; "warm": every sentence from one settled state

    The vector of a row is that of `ELMo.sentence_vectors` or `ELMo.vectors`, and does not depend on the other rows.
    A missing sentence has a missing vector; one without words has zeros, or with pooling None an empty list.
    Warns if more than a third of the words of ROWS rows are unknown to the model. Raises UserError for a column that is
    not there or not of sentences, an `out` that is, a layer, pooling or state that the model does not have.
    """
    elmo = _elmo(model)
    if state == "carry":
        raise UserError("state 'carry': a vector would depend on the rows before it; expected reset or warm")
    elmo.sentence_vectors((), layer, state, pooling or "mean")          # a mistake shows before the first frame
    start = elmo.warm_state() if state == "warm" else state
    warned = False
    for frame in frames:
        _check(frame, column, out)
        for first in range(0, len(frame) or 1, ROWS):
            rows = frame.iloc[first:first + ROWS]
            sentences = _sentences(elmo, rows[column])
            known = Coverage(elmo)
            given = known.watch(filter(None, sentences))
            vectors = elmo.stream(given, layer, start) if pooling is None else elmo.sentence_vectors(
                given, layer, start, pooling)
            yield rows.assign(**{out: _cells(elmo, sentences, map(_side_by_side, vectors), layer, pooling)})
            if known.poor and not warned:
                warned = True
                warnings.warn(known.line, UserWarning, stacklevel=2)


def embed_frame(frame: Any, model: str | os.PathLike[str], column: str, **how: Any) -> Any:
    """One frame with one more column, as `embed_frames` makes it; `how` are its other arguments."""
    return pd.concat(embed_frames([frame], model, column, **how))


def _elmo(model: str | os.PathLike[str]) -> ELMo:
    if not isinstance(model, str | os.PathLike):
        raise UserError(f"model = {model!r:.60}: expected the path of a run's directory or a model file")
    places = (Path(model), RunDirectory(Path(model)).model)
    with _loading:
        return _loaded(os.fspath(model), *(os.stat(path).st_mtime_ns for path in places if os.path.exists(path)))


@lru_cache(maxsize=1)
def _loaded(model: str, *written: int) -> ELMo:
    """written: when the model's files were; others are another model."""
    return ELMo.load(model)


def _check(frame: Any, column: str, out: str) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise UserError(f"a frame is of type {type(frame).__name__}: expected pandas DataFrames; of a Series give its "
                        "to_frame(), and embed_frames a list of frames")
    if not isinstance(out, str):
        raise UserError(f"out = {out!r:.60}: expected the name of the new column, a string")
    names = list(frame.columns)
    if names.count(column) != 1:
        raise UserError(f"the frame has {names.count(column)} columns {column!r}: expected one; its columns are "
                        f"{', '.join(map(repr, names)):.200}")
    if out in names:
        raise UserError(f"the frame already has a column {out!r}: give the vectors another name with out")


def _sentences(elmo: ELMo, column: Any) -> list[list[str] | None]:
    """The words of every row; None where the sentence is missing."""
    return [None if missing else elmo.words(sentence) if isinstance(sentence, str) else
            list(checked_words(sentence, f"row {label!r:.40} of column {column.name!r:.40}"))
            for label, sentence, missing in zip(column.index, column, column.isna(), strict=True)]


def _side_by_side(vectors: Array) -> Array:
    """Of layer "all", the layers are next to each other: (layers, dim) -> (layers dim,), with words in between."""
    if vectors.ndim == 3:
        return vectors.swapaxes(0, 1).reshape(vectors.shape[1], -1)
    return vectors


def _cells(elmo: ELMo, sentences: list[list[str] | None], vectors: Iterator[Array], layer: str | int,
           pooling: str | None) -> Array:
    """One object per row: what its sentence has become."""
    width = elmo.width(layer) * (len(elmo.layers) if layer == "all" else 1)
    cells = np.empty(len(sentences), object)
    for k, words in enumerate(sentences):
        if words:
            found = next(vectors)
            cells[k] = list(found) if pooling is None else found.reshape(-1)
        elif words is not None:
            cells[k] = [] if pooling is None else np.zeros(width, elmo.word_vector.W.value.dtype)
    return cells
