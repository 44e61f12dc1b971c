"""<UNK> in a corpus without unknown words: its vector and its probability are learnt from words that occur once.

A vocabulary with every word of its corpus never meets <UNK> in training, and new text would be read with an untrained
row. Good and Turing estimate the share of unknown words in new text by the share of words that occur once; so those are
replaced by an unknown word, each with probability 1/2 in each epoch, as input and as target.
Source: Dyer et al. 2015 (Stack LSTM), token embeddings and OOVs; Lample et al. 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..data.vocabulary import SPECIAL_TOKENS, Vocabulary

P = 0.5
# Half of a surrogate pair: no vocabulary has a word with it, and it adds no character to a word. So a model of words
# reads <UNK>, a model of characters reads the word, and both are to predict <UNK>.
UNSEEN = "\ud800"


def singletons(vocabulary: Vocabulary) -> frozenset[str]:
    """The words that occur once, if no word of the corpus is unknown; otherwise none: <UNK> is trained anyway."""
    counts = vocabulary.counts or []
    if vocabulary.count(vocabulary.unk):
        return frozenset()
    return frozenset(word for word, n in zip(vocabulary.words, counts, strict=True) if n == 1) - {*SPECIAL_TOKENS}


class WithUnknown:
    """A corpus in which some of the given words are unknown, drawn for an epoch. Every pass is the same."""

    def __init__(self, corpus: Iterable[Sequence[str]], words: frozenset[str], seed: int, epoch: int):
        self.corpus, self.words, self.seed = corpus, words, (seed, 4, epoch)

    def __iter__(self) -> Iterator[Sequence[str]]:
        rng = np.random.default_rng(self.seed)
        for sentence in self.corpus:
            yield [word + UNSEEN if word in self.words and rng.random() < P else word for word in sentence]
