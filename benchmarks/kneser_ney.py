"""The perplexity of n-grams with modified Kneser-Ney smoothing, beside that of a model of elmo_np on the same words.

    python benchmarks/kneser_ney.py TRAIN TEST [--model RUN] [--order 5]

With --model the words are those of its vocabulary, and TRAIN should be the text that it was trained on; otherwise those
that occur twice in TRAIN. All other words are predicted as one unknown word, by both models. Sentences are predicted
with their ends; the n-gram model begins anew in each, the other carries its state on where it was trained so.
Source: Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling", section 3; as in
KenLM (Heafield et al. 2013), n-grams that begin a sentence keep their counts.
"""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from report import markdown

from elmo_np import ELMo
from elmo_np.cli.main import Parser, guarded
from elmo_np.data.corpus import open_corpus
from elmo_np.data.vocabulary import AUTO, Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import evaluate

NGram = tuple[int, ...]


class History(NamedTuple):
    """The words that followed some words, h."""

    counts: dict[int, int]      # c(h w) of each word w
    total: int                  # c(h), their sum
    rest: float                 # gamma(h): the probability that the discounts leave to the shorter history


class KneserNey:
    """An interpolated n-gram model over the ids 0 to V - 1, of which `bos` begins a sentence and is never predicted."""

    def __init__(self, sentences: Iterable[Sequence[int]], order: int, size: int, bos: int):
        self.order, self.bos = order, bos
        self.uniform = 1 / (size - 1)
        self.discounts: list[list[float]] = []
        self.histories: dict[NGram, History] = {}
        for counts in adjusted_counts(sentences, order, bos):
            discounts = discounts_of(counts)
            self.discounts.append(discounts)
            followers: dict[NGram, dict[int, int]] = defaultdict(dict)
            for gram, count in counts.items():
                followers[gram[:-1]][gram[-1]] = count
            for key, words in followers.items():
                total = sum(words.values())
                rest = sum(discounts[min(count, 3)] for count in words.values()) / total
                self.histories[key] = History(words, total, rest)

    def probability(self, word: int, history: Sequence[int]) -> float:
        """p(word | the last order - 1 words of the history)."""
        p = self.uniform
        longest = min(len(history), self.order - 1)
        for length in range(longest + 1):
            found = self.histories.get(tuple(history[len(history) - length:]))
            if found is None:       # nor was any longer one seen
                break
            count = found.counts.get(word, 0)
            p = (count - self.discounts[length][min(count, 3)]) / found.total + found.rest * p
        return p

    def nats(self, sentence: Sequence[int]) -> float:
        """-log p of a sentence that begins with <S> and ends with </S>."""
        return -sum(math.log(self.probability(sentence[t], sentence[max(0, t - self.order + 1):t]))
                    for t in range(1, len(sentence)))


def adjusted_counts(sentences: Iterable[Sequence[int]], order: int, bos: int) -> list[Counter[NGram]]:
    """For n = 1 to order: how often each n-gram occurs if n is the order or it begins a sentence, or else after how
    many different words."""
    found: list[Counter[NGram]] = [Counter() for _ in range(order)]
    for sentence in sentences:
        for t in range(1, len(sentence)):
            for n in range(1, min(order, t + 1) + 1):
                found[n - 1][tuple(sentence[t - n + 1:t + 1])] += 1
    for shorter, longer in pairwise(found):
        begins = Counter({gram: count for gram, count in shorter.items() if gram[0] == bos})
        shorter.clear()
        shorter.update(gram[1:] for gram in longer)
        shorter.update(begins)
    return found


def discounts_of(counts: Counter[NGram]) -> list[float]:
    """What is subtracted from a count of 0, 1, 2, and 3 or more. Raises UserError for too short a text."""
    t = Counter(counts.values())
    if not all(t[count] for count in (1, 2, 3, 4)):
        raise UserError("the text is too short for modified Kneser-Ney: expected n-grams of every length that occur "
                        "once, twice, three and four times; give more text or a lower --order")
    y = t[1] / (t[1] + 2 * t[2])
    found = [k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3)]
    if min(found) <= 0:     # nothing would be left to shorter histories
        raise UserError("the text is too short or too regular for modified Kneser-Ney: expected fewer n-grams that "
                        "occur three or four times than once or twice; give more text or a lower --order")
    return [0.0, *found]


def perplexity(sentences: Sequence[Sequence[int]], model: KneserNey) -> float:
    """Per word, ends of sentences included."""
    targets = sum(len(sentence) - 1 for sentence in sentences)
    return math.exp(sum(map(model.nats, sentences)) / targets)


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="kneser_ney.py", description="Compare a model with an n-gram model on the same words.")
    parser.add_argument("train", metavar="TRAIN", help="text that the n-gram model is made from")
    parser.add_argument("test", metavar="TEST", help="text to predict")
    parser.add_argument("--model", metavar="RUN", help="directory of a run to compare with")
    parser.add_argument("--order", metavar="N", type=int, choices=range(1, 10), default=5, help="words (default 5)")
    args = parser.parse_args(argv)
    train, test = open_corpus(args.train), open_corpus(args.test)
    elmo = ELMo.load(args.model) if args.model else None
    vocabulary = elmo.vocabulary if elmo else Vocabulary.build(train, min_count=2, unknown=AUTO)
    texts = [[vocabulary.encode(sentence) for sentence in text] for text in (train, test)]
    ngrams = perplexity(texts[1], KneserNey(texts[0], args.order, len(vocabulary), vocabulary.bos))
    columns = {"model": [f"{args.order}-grams, modified Kneser-Ney"], "perplexity": [f"{ngrams:.1f}"], "ratio": ["1"]}
    if elmo:
        for direction, found in evaluate(elmo.model, vocabulary, test).perplexities.items():
            columns["model"].append(f"{args.model}, {direction}")
            columns["perplexity"].append(f"{found:.1f}")
            columns["ratio"].append(f"{found / ngrams:.3f}")
    print(f"{len(vocabulary):,} words; {sum(map(len, texts[0])) - len(texts[0]):,} targets to count, "
          f"{sum(map(len, texts[1])) - len(texts[1]):,} to predict\n")
    print(markdown(columns))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and return the exit code, 2 for a user error."""
    return guarded("kneser_ney.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
