"""One vector per word, for programs that read no other: the token layer, or means over a corpus; and occurrences.

A static vector is that of the token layer, layer 0: what the model reads for a word before any context. The mean of a
word's contextual vectors is static too, and reflects its contexts; for a word with two senses it lies between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..data.corpus import require_reiterable
from ..data.vocabulary import BOS, EOS, SPECIAL_TOKENS, UNK
from ..errors import UserError
from ..nn.representation import h_bi
from ..runtime.progress import Progress
from ..runtime.threads import one_blas_thread
from ..types import Array
from .elmo import NAMED_LAYERS, ELMo, picked
from .occurrences import Sample, counted, default_words, samples, vectors_at
from .token_indexer import TokenIndexer, token_indexer

BLOCK = 1024        # words whose vectors are computed at once
MOST = 500          # occurrences per word, by default


class WordVectors(NamedTuple):
    """N words, each once, with one vector each."""

    words: list[str]
    counts: list[int] | None    # how often each occurs; None if unknown
    vectors: Array              # (N, dim) float32
    left_out: int               # different words of the corpus that the model does not know


class Occurrences(NamedTuple):
    """Words in sentences, with their vectors there."""

    samples: list[Sample]
    vectors: Array              # (N, dim) float32: a row for each occurrence of the samples, in their order


def static_vectors(elmo: ELMo, words: Sequence[str] | None = None, corpus: Iterable[Sequence[str]] | None = None, *,
                   quiet: bool = False) -> WordVectors:
    """The token layer's vector of each word.

    words    which words, in this order; None: those of the corpus, the most frequent first, or without a corpus those
             of the vocabulary with its marks, as they stand there
    corpus   sentences in which the words are counted; None: the counts of the vocabulary, if it has any
    -> vectors of width 2D, both directions side by side; of width D if the directions share the token layer, or if
       there is only one
    Raises UserError for a word that is given twice or that the model does not know, and if there is no word.
    """
    known = token_indexer(elmo.model, elmo.vocabulary, elmo.cache)
    with Progress(quiet=quiet) as progress:
        counts = None if corpus is None else counted(corpus, progress)
        chosen, left_out = _chosen(elmo, known, words, counts)
        blocks = []
        for start in range(0, len(chosen), BLOCK):
            blocks.append(_token_layer(elmo, known, chosen[start:start + BLOCK]))
            progress.show(f"{min(start + BLOCK, len(chosen)):,} of {len(chosen):,} words")
    tally = counts if counts is not None else _vocabulary_counts(elmo)
    known_counts = None if tally is None else [tally[word] for word in chosen]
    return WordVectors(chosen, known_counts, np.concatenate(blocks).astype(np.float32), left_out)


def mean_vectors(elmo: ELMo, corpus: Iterable[Sequence[str]], words: Sequence[str] | None = None,
                 layer: str | int = "top", *, quiet: bool = False) -> WordVectors:
    """The mean of each word's contextual vectors over all its occurrences in a corpus, each in its own sentence.

    corpus   sentences that can be read more than once
    words    which words, in this order; None: all of the corpus that the model knows, the most frequent first
    layer    "top", "average", "sum", "mix" or a number, as in `ELMo.stream`
    -> means, summed in float64, which takes 8 dim bytes per word
    Raises UserError for a word that is given twice, that the model does not know or that does not occur.
    """
    check_layer(elmo, layer)
    sentences, known = require_reiterable(corpus), token_indexer(elmo.model, elmo.vocabulary, elmo.cache)
    with Progress(quiet=quiet) as progress:
        counts = counted(sentences, progress)
        chosen, left_out = _chosen(elmo, known, words, counts)
        number = {word: k for k, word in enumerate(chosen)}
        n = [counts[word] for word in chosen]
        if 0 in n:
            raise UserError(f"{chosen[n.index(0)]!r} does not occur in the corpus, so it has no contextual vector: "
                            "expected words of the corpus, written as they are there")

        def kept() -> Iterator[Sequence[str]]:
            return (sentence for sentence in sentences if not number.keys().isdisjoint(sentence))
        sums, done, total = np.zeros((len(chosen), elmo.width(layer))), 0, sum(n)
        for sentence, (_, parts) in zip(kept(), elmo.parts(kept(), layer), strict=True):
            positions = [t for t, word in enumerate(sentence) if word in number]
            np.add.at(sums, [number[sentence[t]] for t in positions], picked(parts, positions))
            done += len(positions)
            progress.show(f"{done:,} of {total:,} occurrences")
    return WordVectors(chosen, n, (sums / np.array(n)[:, None]).astype(np.float32), left_out)


def occurrence_vectors(elmo: ELMo, corpus: Iterable[Sequence[str]], words: Sequence[str] | None = None,
                       layer: str | int = "top", *, most: int = MOST, quiet: bool = False) -> Occurrences:
    """The contextual vectors of occurrences of some words.

    corpus   sentences that can be read more than once; those of the grammar also have senses
    words    which; None: as in `elmo-np explore`, the most frequent content words, or the ambiguous ones of the grammar
    layer    as in `mean_vectors`
    most     maximum number of occurrences per word, drawn as by `samples`
    Raises UserError for a word that the model does not know or that does not occur.
    """
    check_layer(elmo, layer)
    if most < 1:
        raise UserError(f"at most {most} occurrences per word: expected a whole number of at least 1")
    sentences, known = require_reiterable(corpus), token_indexer(elmo.model, elmo.vocabulary, elmo.cache)
    _check_known(elmo, known, words or ())
    with Progress(quiet=quiet) as progress:
        found = samples(sentences, words or default_words(sentences, counted(sentences, progress), known), most,
                        progress)
        occurrences = [occurrence for sample in found for occurrence in sample.shown]
        vectors = vectors_at(occurrences, lambda sentences: (parts for _, parts in elmo.parts(sentences, layer)),
                             progress)
    return Occurrences(found, vectors.astype(np.float32, copy=False))


def _chosen(elmo: ELMo, known: TokenIndexer, words: Sequence[str] | None,
            counts: Counter[str] | None) -> tuple[list[str], int]:
    """The words that get a vector, and how many of the corpus's do not."""
    if words is not None:
        _check_known(elmo, known, words)
        if len(repeated := Counter(words)) < len(words):
            raise UserError(f"{repeated.most_common(1)[0][0]!r} is given twice: expected each word once")
        if not words:
            raise UserError("no word is given: expected one or more")
        return list(words), 0
    if counts is not None:
        chosen = sorted((word for word in counts if word in known and word not in SPECIAL_TOKENS),
                        key=lambda word: (-counts[word], word))
        if not chosen:
            raise UserError("the model knows none of the corpus's words: expected a text like its training corpus")
        return chosen, len(counts) - len(chosen)
    if len(elmo.vocabulary) == len(SPECIAL_TOKENS):
        raise UserError("this model reads characters and has no list of words: give the words, or a corpus")
    # A model of characters reads every word as it is spelled: no word is unknown, and <UNK> has no vector.
    spelled = elmo.model.config.char_filters is not None
    return [word for word in elmo.vocabulary.words if not (spelled and word == UNK)], 0


def _check_known(elmo: ELMo, known: TokenIndexer, words: Iterable[str]) -> None:
    for word in words:
        if word in SPECIAL_TOKENS or word not in known:
            raise UserError(f"{word!r} is not among the {len(elmo.vocabulary)} words of this model, so its vector "
                            "would be that of any unknown word: expected words of vocabulary.txt")


def check_layer(elmo: ELMo, layer: str | int) -> None:
    """Raise UserError for a layer that this model does not have, or that is all of them."""
    if layer == "all":
        names = ", ".join(map(repr, NAMED_LAYERS))
        raise UserError(f"layer 'all': expected one vector per word: {names} or a layer's number")
    elmo.check(layer)


def _token_layer(elmo: ELMo, known: TokenIndexer, words: list[str]) -> Array:
    """(len(words), 2D), or D if both directions are the same."""
    known = known.with_room()
    begin, *numbers, end = known.encode(words)
    marks = {BOS: begin, EOS: end, UNK: elmo.vocabulary.unk}
    with one_blas_thread():
        vectors = known.lookup(np.array([marks.get(word, number) for word, number in zip(words, numbers, strict=True)]))
    return vectors[0] if elmo.model.config.share_embedding else h_bi(*vectors)


def _vocabulary_counts(elmo: ELMo) -> dict[str, int] | None:
    """A word outside the vocabulary counts 0: it did not occur."""
    if elmo.vocabulary.counts is None:
        return None
    return Counter(dict(zip(elmo.vocabulary.words, elmo.vocabulary.counts, strict=True)))
