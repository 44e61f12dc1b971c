"""Labelled sentences that need no download: from Python's own documentation, and from the built-in grammar."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...data.grammar import STUDIED, GrammarCorpus, LabelledSentence, fresh_sentences
from ...data.pydoc_corpus import PydocCorpus, docstrings_of, prose, sources
from ...data.text import tokens
from ...errors import UserError
from .examples import Data, Examples, Occurrence, WordPair
from .synthetic_language import translated

PAIRS, TRANSLATED = 2000, 500   # pairs to train and to test on

# Packages of several files each that every recent Python has.
PACKAGES = ("asyncio", "email", "importlib", "logging", "unittest", "xml")
OCCURRENCES, TEST_OCCURRENCES = 100, 200    # per word, to train and to test on
TAGGED, TESTED = 400, 1000      # sentences of the grammar: few to train on, so that the biLM makes a difference


def docstrings() -> Data:
    """Which package of the standard library a sentence of documentation is from; each 4th file is test data."""
    train, test = Examples([], []), Examples([], [])
    directory = Path(sysconfig.get_path("stdlib"))
    for package in PACKAGES:
        for number, path in enumerate(sources(directory / package)):
            part = test if number % 4 == 1 else train
            for sentence in _sentences(path):
                part.sentences.append(sentence)
                part.labels.append(package)
    known = {tuple(sentence) for sentence in train.sentences}       # documentation is copied from file to file
    test = test.some(k for k, sentence in enumerate(test.sentences) if tuple(sentence) not in known)
    if len(set(train.labels)) < 2 or not test.sentences:
        raise UserError("this Python has no library sources to read: give a file of sentence<TAB>label lines")
    return Data(train, test, "each 4th source file of a package; sentences that also occur in the others are left out",
                Without(PydocCorpus(), frozenset(map(tuple, test.sentences))), raw=True)


def phrases(seed: int = 0) -> Data:
    """Persons, places and times in sentences of the grammar."""
    train = [sentence for sentence, _ in zip(GrammarCorpus(seed=seed).labelled(), range(TAGGED), strict=False)]
    return Data(_tagged(train), _tagged(fresh_sentences(seed)[:TESTED]),
                f"sentences of another seed of the grammar than the {TAGGED} of training, none of them in the biLM's "
                "corpus", GrammarCorpus(seed=seed))


def senses(seed: int = 0) -> Data:
    """Ambiguous words in sentences of the grammar, which provides their senses."""
    train = _occurrences(GrammarCorpus(seed=seed).labelled(), OCCURRENCES)
    return Data(train, _occurrences(fresh_sentences(seed), TEST_OCCURRENCES),
                f"up to {TEST_OCCURRENCES} occurrences per word in sentences of another seed of the grammar, none of "
                "them in the biLM's corpus", GrammarCorpus(seed=seed))


def word_pairs(seed: int = 0) -> Data:
    """The occurrences of `senses` in pairs of one word."""
    data = senses(seed)
    return data._replace(train=_paired(data.train), test=_paired(data.test), split=data.split.replace(
        f"up to {TEST_OCCURRENCES} occurrences per word", f"up to {TEST_OCCURRENCES // 2} pairs per word"))


def pairs(seed: int = 0) -> Data:
    """Sentences of the grammar and their translations into a synthetic language."""
    train = [sentence for sentence, _ in zip(GrammarCorpus(seed=seed).labelled(), range(PAIRS), strict=False)]
    return Data(_translated(train), _translated(fresh_sentences(seed)[:TRANSLATED]),
                f"sentences of another seed of the grammar than the {PAIRS} of training, none of them in the biLM's "
                "corpus", GrammarCorpus(seed=seed))


def _translated(sentences: Sequence[LabelledSentence]) -> Examples:
    return Examples([list(sentence.tokens) for sentence in sentences], [translated(own) for own in sentences])


def _occurrences(sentences: Iterable[LabelledSentence], most: int) -> Examples:
    """The first occurrences of each word that the demo studies, at most so many."""
    found, left = Examples([], []), dict.fromkeys(STUDIED, most)
    for sentence in sentences:
        for position, named in sentence.senses:
            word, _, sense = named.partition("/")
            if left.get(word):
                left[word] -= 1
                found.sentences.append(list(sentence.tokens))
                found.labels.append(Occurrence(position, word, sense))
        if not any(left.values()):
            break
    return found


def _paired(examples: Examples) -> Examples:
    """Each occurrence of a word with the next one."""
    waiting: dict[str, tuple[list[str], Occurrence]] = {}
    found = Examples([], [])
    for second, other in zip(*examples, strict=True):
        if other.word not in waiting:
            waiting[other.word] = second, other
            continue
        first, one = waiting.pop(other.word)
        found.sentences.append(first)
        found.labels.append(WordPair(one.word, (one.position, other.position), second, "FT"[one.sense == other.sense]))
    return found


def _tagged(sentences: Sequence[LabelledSentence]) -> Examples:
    found = Examples([], [])
    for sentence in sentences:
        labels = ["O"] * len(sentence.tokens)
        for begin, end, kind in sentence.spans:
            labels[begin:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - begin - 1)]
        found.sentences.append(list(sentence.tokens))
        found.labels.append(labels)
    return found


def _sentences(path: Path) -> Iterator[list[str]]:
    """The prose of a source file, each sentence once, split as in the corpus pydoc."""
    for document in docstrings_of(path):
        for sentence in dict.fromkeys(prose(document)):
            words = tokens(sentence)
            if 5 <= len(words) <= 60:           # fewer words say too little about the package
                yield words


@dataclass(frozen=True)
class Without:
    """A corpus without some sentences."""

    corpus: PydocCorpus
    left_out: frozenset[tuple[str, ...]]
    name: str = "pydoc without the test sentences"

    def __iter__(self) -> Iterator[list[str]]:
        return (sentence for sentence in self.corpus if tuple(sentence) not in self.left_out)
