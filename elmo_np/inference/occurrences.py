"""The words that an HTML report shows, and their occurrences: a choice that depends on the corpus alone."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..data.grammar import AMBIGUOUS, GrammarCorpus, LabelledSentence
from ..data.sentences import checked_sentences
from ..data.stop_words import STOP_WORDS
from ..errors import UserError
from ..runtime.progress import Progress
from ..types import Array
from .elmo import ELMo, picked

Labelled = tuple[Sequence[str], Mapping[int, str]]      # a sentence, and the sense of the words at some positions
SHOWN = 12          # words, if none are given
SHORTEST = 3        # letters of an English content word: shorter ones are initials and fragments


class Occurrence(NamedTuple):
    """A word in its sentence."""

    sentence: tuple[str, ...]
    position: int               # from 0
    sense: str                  # "" if unknown


class Sample(NamedTuple):
    """The occurrences of a word that are shown, in the order of the corpus."""

    word: str
    total: int                  # how often the word occurs in the corpus; every copy of a sentence counts
    shown: list[Occurrence]     # from different sentences, or different positions in one


def labelled(corpus: Iterable[Sequence[str]], progress: Progress) -> Iterator[Labelled]:
    """The sentences of a corpus with their known senses: the labels of the grammar, none in any other corpus."""
    pairs: Iterable[Labelled] = ((s.tokens, dict(s.senses)) for s in corpus.labelled()) \
        if isinstance(corpus, GrammarCorpus) else ((sentence, {}) for sentence in checked_sentences(corpus))
    for number, pair in enumerate(pairs, 1):
        if number % 1000 == 0:
            progress.show(f"reading the corpus: {number:,} sentences")
        yield pair


def frequent_words(counts: Mapping[str, int], known: Container[str], number: int = SHOWN) -> list[str]:
    """The most frequent content words: letters only, at least three if they are ASCII, no function words, at least
    two occurrences.

    counts   how often each word occurs
    known    the words that the model has vectors for
    -> the most frequent first, equally frequent ones in alphabetical order
    """
    content = [word for word, n in counts.items() if n > 1 and word.isalpha() and word.lower() not in STOP_WORDS
               and (len(word) >= SHORTEST or not word.isascii()) and word in known]
    return sorted(content, key=lambda word: (-counts[word], word))[:number]


def default_words(corpus: Iterable[Sequence[str]], counts: Mapping[str, int], known: Container[str],
                  number: int = SHOWN) -> list[str]:
    """`frequent_words`; for the grammar, among its words with several senses. Raises UserError if there are none."""
    if isinstance(corpus, GrammarCorpus):
        counts = {word: counts.get(word, 0) for word in AMBIGUOUS}
    words = frequent_words(counts, known, number)
    if not words:
        raise UserError(f"no word of at least {SHORTEST} letters that the model knows occurs twice in the corpus: "
                        "expected a text like the one it was trained on; give the words, or another corpus")
    return words


def counted(corpus: Iterable[Sequence[str]], progress: Progress) -> Counter[str]:
    """How often each word occurs in a corpus."""
    return Counter(word for sentence, _ in labelled(corpus, progress) for word in sentence)


def samples(corpus: Iterable[Sequence[str]], words: Iterable[str], most: int, progress: Progress) -> list[Sample]:
    """`drawn`. Raises UserError for a word that does not occur."""
    found = drawn(corpus, words, most, progress)
    for sample in found:
        if not sample.total:
            raise UserError(f"{sample.word!r} does not occur in the corpus: expected a word of it, written as it is "
                            "there")
    return found


def drawn(corpus: Iterable[Sequence[str]], words: Iterable[str], most: int, progress: Progress,
          seed: int = 0) -> list[Sample]:
    """At most `most` occurrences of each word; of equal sentences only the first.

    The ones with the smallest SHA-256 of seed, sentence and position are taken: a fair sample that does not depend on
    the order, counts copies once, and needs memory for `most` occurrences per word, however long the corpus is.
    """
    heaps: dict[str, list[tuple[int, int, Occurrence]]] = {word: [] for word in words}
    held: dict[str, set[int]] = {word: set() for word in heaps}
    totals: Counter[str] = Counter()
    shared: dict[str, str] = {}         # one object per word: a line may be a long document
    salt = b"%d\x1e" % seed if seed else b""
    for number, (sentence, senses) in enumerate(labelled(corpus, progress)):
        if heaps.keys().isdisjoint(sentence):
            continue
        kept = tuple(shared.setdefault(word, word) for word in sentence)
        text = "\x1f".join(sentence).encode("utf-8", "surrogatepass")
        for position, word in enumerate(sentence):
            if word not in heaps:
                continue
            totals[word] += 1
            heap, digest = heaps[word], hashlib.sha256(salt + b"%d\x1f%s" % (position, text)).digest()
            key = -int.from_bytes(digest[:8], "big")
            if key in held[word] or (len(heap) == most and key < heap[0][0]):
                continue
            held[word].add(key)
            heapq.heappush(heap, (key, number, Occurrence(kept, position, senses.get(position, ""))))
            if len(heap) > most:
                held[word].remove(heapq.heappop(heap)[0])
    return [Sample(word, totals[word], [o for _, _, o in sorted(heap, key=lambda item: (item[1], item[2].position))])
            for word, heap in heaps.items()]


def vectors_at(occurrences: Sequence[Occurrence], embed: Callable[[list[tuple[str, ...]]], Iterable[Iterable[Array]]],
               progress: Progress | None = None) -> Array:
    """The vectors of some occurrences, at least one: (N, .., dim).

    embed   gives the arrays of sentences, (.., tokens, dim) each, in parts; each sentence is embedded once, and of its
            vectors only those of the occurrences are kept
    """
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, occurrence in enumerate(occurrences):
        rows[occurrence.sentence].append(row)
    vectors, done = np.empty(0), 0
    for here, parts in zip(rows.values(), embed(list(rows)), strict=True):
        found = picked(parts, [occurrences[row].position for row in here])
        if not done:
            vectors = np.empty((len(occurrences), *found.shape[:-2], found.shape[-1]), found.dtype)
        vectors[here] = np.moveaxis(found, -2, 0)
        done += len(here)
        if progress is not None:
            progress.show(f"{done:,} of {len(occurrences):,} occurrences")
    return vectors


def occurrences_of(elmo: ELMo, corpus: Iterable[LabelledSentence], word: str) -> tuple[Array, Array, list[str]]:
    """All labelled occurrences of a word: static vectors (layer 0), contextual vectors (top layer), and senses."""
    found = [(list(s.tokens), t, sense) for s in corpus for t, sense in s.senses if s.tokens[t] == word]
    sentences = [sentence for sentence, _, _ in found]

    def vectors(layer: str | int) -> Array:
        return np.array([v[t].copy() for v, (_, t, _) in zip(elmo.stream(sentences, layer), found, strict=True)])
    return vectors(0), vectors("top"), [sense for _, _, sense in found]
