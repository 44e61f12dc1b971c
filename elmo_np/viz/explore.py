"""`elmo-np explore`: one page on which the occurrences of words are points, to be looked at layer by layer.

The page holds no vectors. It holds what is drawn of them, two coordinates in 16 bits, and of every occurrence in every
layer the ten nearest others, computed here from the vectors as they are. In the last layer shown they are those of
`ELMo.similar` over the same sentences: similarities rounded to 0.0001, the order the same but where two are as near as
float32 can tell. That is smaller than vectors good enough to find them, 44 bytes an occurrence and layer.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.corpus import require_reiterable
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.occurrences import Sample, counted, default_words, samples
from ..inference.token_indexer import token_indexer
from ..runtime.progress import Progress
from ..types import Array
from .geometry import View, layer_names, views
from .page import check_target, own_file, page, write

MOST = 500          # occurrences of a word, when nothing is said
LIMIT = 65535       # an occurrence's number takes 16 bits, and one number says that there is none
NONE = 65535
STEPS = 32767       # of a coordinate, from 0 to the largest
ROUNDED = 10000     # steps of a similarity, from 0 to 1


def explore(elmo: ELMo, corpus: Iterable[Sequence[str]], out: str | os.PathLike[str], *,
            words: Sequence[str] | None = None, most: int = MOST, quiet: bool = False) -> list[Sample]:
    """Write the page.

    elmo, corpus   a model, and sentences as token lists that can be read again and again
    out            the file; an older page there is replaced, any other file is refused
    words          what to show; None: the twelve most frequent content words, or of the grammar's corpus the twelve
                   most frequent words of more than one sense, whose senses then colour the points
    most           occurrences of a word at most, drawn as `samples` says
    quiet          no progress on stderr
    -> what is shown. The same model and corpus give the same bytes on the same machine. Raises UserError for a mistake.
    """
    check_target(out)
    if not 1 <= most <= LIMIT:
        raise UserError(f"--max {most}: expected a whole number from 1 to {LIMIT}")
    known, corpus = token_indexer(elmo.model, elmo.vocabulary), require_reiterable(corpus)
    for word in words or []:
        if word not in known:
            raise UserError(f"{word!r} is not among the {len(elmo.vocabulary)} words of this model, so its vector "
                            "would be that of any unknown word: expected words of vocabulary.txt")
    with Progress(quiet=quiet) as progress:
        words = words or default_words(corpus, counted(corpus, progress), known)
        chosen = samples(corpus, words, most, progress)
        write(out, explore_page(elmo, getattr(corpus, "name", "a corpus"), chosen, progress))
    return chosen


def explore_page(elmo: ELMo, name: str, chosen: Sequence[Sample], progress: Progress) -> str:
    """The page as a text. name: what the corpus is called."""
    sentences: dict[tuple[str, ...], int] = {}
    packed = []
    for number, sample in enumerate(chosen, 1):
        progress.show(f"embedding {sample.word!r}, word {number} of {len(chosen)}: {len(sample.shown):,} occurrences")
        for occurrence in sample.shown:
            sentences.setdefault(occurrence.sentence, len(sentences))
        packed.append(_packed(sample, views(elmo, sample.shown), sentences))
    data = {"corpus": name, "layers": layer_names(elmo), "words": packed,
            # A space divides the words of a sentence: one in a word, which a list from Python can hold, is another.
            "sentences": [" ".join(word.replace(" ", "\u00a0") for word in sentence) for sentence in sentences]}
    return page(f"Words in {name}", own_file(["explore.html"]), styles=["explore.css"],
                scripts=["scatter.js", "explore.js"], data=data)


def _packed(sample: Sample, found: Sequence[View], sentences: dict[tuple[str, ...], int]) -> dict[str, Any]:
    """What the page holds of one word; arrays in base64, little-endian."""
    senses = sorted({o.sense for o in sample.shown} - {""})
    number = {sense: k for k, sense in enumerate(["", *senses])}
    return {"word": sample.word, "total": sample.total, "senses": senses,
            "sentence": _base64([sentences[o.sentence] for o in sample.shown], "<u4"),
            "position": _base64([o.position for o in sample.shown], "<u4"),
            "sense": _base64([number[o.sense] for o in sample.shown], "<u2"),      # 0: not known
            "layers": [_view(view) for view in found]}


def _view(view: View) -> dict[str, Any]:
    size = np.abs(view.points).max() or 1
    held: dict[str, Any] = {"share": [round(float(share), 3) for share in view.share],
                            "points": _base64(np.rint(view.points * (STEPS / size)), "<i2")}
    if view.near is not None and view.similarity is not None:
        held["near"] = _base64(np.where(view.near < 0, NONE, view.near), "<u2")
        held["similarity"] = _base64(np.rint(view.similarity * ROUNDED), "<i2")
    return held


def _base64(numbers: Sequence[int] | Array, dtype: str) -> str:
    return base64.b64encode(np.asarray(numbers).astype(dtype).tobytes()).decode("ascii")


def summary(out: str | os.PathLike[str], chosen: Sequence[Sample]) -> str:
    """What `explore` wrote, in a line."""
    shown = sum(len(sample.shown) for sample in chosen)
    return (f"{out}: {shown:,} occurrences of {len(chosen)} words ({', '.join(s.word for s in chosen)}), "
            f"{Path(out).stat().st_size / 1e6:.1f} MB; open it in a browser")
