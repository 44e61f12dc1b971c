"""`elmo-np explore`: a page that shows the occurrences of words as points, layer by layer.

The page contains no vectors. It contains two coordinates of 16 bits per occurrence and layer, and the ten nearest other
occurrences, computed here from the full vectors. In the last layer they are those of `ELMo.similar` over the same
sentences: similarities are rounded to 0.0001, and the order is the same except for ties within float32 precision.
That is 44 bytes per occurrence and layer, less than vectors from which the neighbours could be found.
"""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.corpus import require_reiterable
from ..data.stop_words import STOP_WORDS
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.occurrences import Occurrence, Sample, counted, default_words, samples
from ..inference.token_indexer import token_indexer
from ..runtime.files import STDOUT
from ..runtime.progress import Progress
from ..types import Array
from .geometry import View, layer_names, views
from .page import check_target, own_file, page, write

MOST = 500          # default maximum number of occurrences per word
LIMIT = 65535       # the index of an occurrence has 16 bits, and one value means none
NONE = 65535
NEAR = 3            # words on each side that may name a group
STEPS = 32767       # steps of a coordinate, from 0 to the maximum
ROUNDED = 10000     # steps of a similarity, from 0 to 1


def explore(elmo: ELMo, corpus: Iterable[Sequence[str]], out: str | os.PathLike[str], *,
            words: Sequence[str] | None = None, most: int = MOST, quiet: bool = False) -> list[Sample]:
    """Write the page.

    elmo, corpus   a model, and sentences as lists of tokens that can be read repeatedly
    out            the file; an older page is replaced, any other file is refused
    words          the words to show; None: the twelve most frequent content words, or for the grammar the twelve most
                   frequent words with several senses, which then colour the points
    most           maximum number of occurrences per word, chosen by `samples`
    quiet          no progress on stderr
    -> what is shown. The same model and corpus give the same bytes on the same machine. Raises UserError.
    """
    check_target(out)
    if not 1 <= most <= LIMIT:
        raise UserError(f"at most {most} occurrences per word: expected a whole number from 1 to {LIMIT}")
    corpus = require_reiterable(corpus)
    known = token_indexer(elmo.model, elmo.vocabulary)
    for word in words or []:
        if word not in known:
            raise UserError(f"{word!r} is not among the {len(elmo.vocabulary)} words of this model, so its vector "
                            "would be that of every unknown word: expected words from vocabulary.txt")
    with Progress(quiet=quiet) as progress:
        words = words or default_words(corpus, counted(corpus, progress), known)
        chosen = samples(corpus, words, most, progress)
        write(out, explore_page(elmo, getattr(corpus, "name", "a corpus"), chosen, progress))
    return chosen


def explore_page(elmo: ELMo, name: str, chosen: Sequence[Sample], progress: Progress) -> str:
    """The HTML of the page. name: that of the corpus."""
    sentences: dict[tuple[str, ...], int] = {}
    packed = []
    progress.show(f"embedding {sum(len(sample.shown) for sample in chosen):,} occurrences of {len(chosen)} words")
    for sample, found in zip(chosen, views(elmo, [sample.shown for sample in chosen]), strict=True):
        progress.show(f"comparing the occurrences of {sample.word!r}: {len(sample.shown):,}")
        for occurrence in sample.shown:
            sentences.setdefault(occurrence.sentence, len(sentences))
        packed.append(_packed(sample, found, sentences))
    direction = elmo.model.config.direction
    data = {"corpus": name, "layers": layer_names(elmo), "words": packed,
            "read": "in both directions" if direction == "both" else direction,
            # Words are separated by spaces: a space within a word, possible in a list from Python, is replaced.
            "sentences": [" ".join(word.replace(" ", "\u00a0") for word in sentence) for sentence in sentences]}
    return page(f"Words in {name}", own_file(["explore.html"]), styles=["explore.css"],
                scripts=["scatter.js", "explore.js"], data=data)


def _packed(sample: Sample, found: Sequence[View], sentences: dict[tuple[str, ...], int]) -> dict[str, Any]:
    """The data of one word; arrays in base64, little-endian. Where no sense is known, groups take their place."""
    labels = [o.sense for o in sample.shown]
    senses = sorted(set(labels) - {""})
    groups = None if senses else found[-1].groups
    if groups is not None:
        senses = group_names(sample.shown, groups)
        labels = [senses[k] for k in groups]
    number = {sense: k for k, sense in enumerate(["", *senses])}
    return {"word": sample.word, "total": sample.total, "senses": senses, "grouped": groups is not None,
            "sentence": _base64([sentences[o.sentence] for o in sample.shown], "<u4"),
            "position": _base64([o.position for o in sample.shown], "<u4"),
            "sense": _base64([number[label] for label in labels], "<u2"),      # 0: unknown
            "layers": [_view(view) for view in found]}


def group_names(occurrences: Sequence[Occurrence], groups: Array) -> list[str]:
    """A name for each group: its number, and the content words more frequent near the word there than elsewhere."""
    near = [{word for word in o.sentence[max(0, o.position - NEAR):o.position + NEAR + 1]
             if word != o.sentence[o.position] and word.isalpha() and word.lower() not in STOP_WORDS}
            for o in occurrences]
    everywhere = Counter(word for words in near for word in words)
    names = []
    for k in range(groups.max() + 1):
        own = Counter(word for words, group in zip(near, groups, strict=True) if group == k for word in words)
        inside = int((groups == k).sum())
        outside = max(1, len(groups) - inside)
        excess = {word: n / inside - (everywhere[word] - n) / outside for word, n in own.items()}
        typical = sorted(excess, key=lambda word: (-excess[word], word))[:3]
        names.append(f"group {k + 1}" + (f": {', '.join(typical)}" if typical else ""))
    return names


def _view(view: View) -> dict[str, Any]:
    size = np.abs(view.points).max() or 1
    packed: dict[str, Any] = {"share": [round(float(share), 3) for share in view.share],
                              "points": _base64(np.rint(view.points * (STEPS / size)), "<i2")}
    if view.near is not None and view.similarity is not None:
        packed["near"] = _base64(np.where(view.near < 0, NONE, view.near), "<u2")
        packed["similarity"] = _base64(np.rint(view.similarity * ROUNDED), "<i2")
    return packed


def _base64(numbers: Sequence[int] | Array, dtype: str) -> str:
    return base64.b64encode(np.asarray(numbers).astype(dtype).tobytes()).decode("ascii")


def summary(out: str | os.PathLike[str], chosen: Sequence[Sample]) -> str:
    """One line about what `explore` wrote."""
    shown = sum(len(sample.shown) for sample in chosen)
    size = "" if out == STDOUT else f", {Path(out).stat().st_size / 1e6:.1f} MB; open it in a browser"
    return f"{out}: {shown:,} occurrences of {len(chosen)} words ({', '.join(s.word for s in chosen)}){size}"
