"""Does surprisal predict how long people take to read a word? The Natural Stories Corpus, by least squares.

    python benchmarks/reading_times.py MODEL DIR [--json]

DIR has all_stories.tok and processed_wordinfo.tsv of the corpus (Futrell et al. 2021), aligned as in May 2025: ten
stories, 10,256 words, and the mean time over the readers of each. Two regressions of that time are compared: on length
and log frequency of a word and of the two words before it, since reading slows down a word or two late; and on these
with the three surprisals as well. The gain is the log-likelihood per word that the surprisals add, in nats, on stories
that the regressions have not seen: each of the ten is predicted from the other nine. Its interval is drawn over
sentences, since neighbouring words are not independent.

Left out are the first and the last word of each sentence, where people pause, and words that have a word that the model
does not know among the three.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from elmo_np import ELMo
from elmo_np.cli.main import Parser, guarded
from elmo_np.data import text
from elmo_np.data.delimited import delimited_rows
from elmo_np.data.text_lines import text_lines
from elmo_np.errors import UserError
from elmo_np.inference.surprisal import surprisal
from elmo_np.types import Array

WORDS, TIMES = "all_stories.tok", "processed_wordinfo.tsv"
BEFORE = 2          # words before a word that its reading time depends on too
DRAWS = 10_000      # of sentences, for the interval


class Word(NamedTuple):
    """A word with its punctuation."""

    text: str
    milliseconds: float     # mean reading time


class Table(NamedTuple):
    """One row per word that takes part, N in all."""

    milliseconds: Array     # (N,)
    control: Array          # (N, 2 (BEFORE + 1)): length and log frequency of the word, of the one before, ..
    bits: Array             # (N, BEFORE + 1): their surprisals
    story: Array            # (N,) its number
    sentence: Array         # (N,) its number in the story
    unknown: int            # words left out because one of the three is not in the vocabulary


class Fit(NamedTuple):
    """A least-squares fit, with an intercept first."""

    b: Array                # coefficients
    error: Array            # their standard errors
    variance: Array         # of the residuals: the mean of their squares, the maximum-likelihood estimate

    def log_likelihood(self, X: Array, y: Array) -> Array:
        """Of each row, in nats: X (N, K), y (N,) -> (N,)."""
        residual = y - _with_intercept(X) @ self.b
        found: Array = -0.5 * (np.log(2 * np.pi * self.variance) + residual ** 2 / self.variance)
        return found


def least_squares(X: Array, y: Array) -> Fit:
    """The fit of y (N,) by an intercept and the K columns of X (N, K), N > K + 1."""
    A = _with_intercept(X)
    b, _, rank, _ = np.linalg.lstsq(A, y)
    N, K = A.shape
    if rank < K or N <= K:
        raise UserError(f"{N:,} words do not determine {K} coefficients: expected a model that knows more of the words")
    squares = np.sum((y - A @ b) ** 2)
    inverse = np.linalg.inv(A.T @ A)
    return Fit(b, np.sqrt(squares / (N - K) * np.diag(inverse)), squares / N)


def _with_intercept(X: Array) -> Array:
    return np.column_stack([np.ones(len(X)), X])


def stories(folder: Path) -> list[list[Word]]:
    """The words of each story in order. Raises UserError for files that do not fit each other."""
    times = {(row["item"], row["zone"]): row for row in _rows(folder / TIMES, ("word", "zone", "item", "meanItemRT"))}
    found: dict[str, list[Word]] = {}
    for row in _rows(folder / WORDS, ("word", "zone", "item")):
        own = times.get((row["item"], row["zone"]))
        if own is None or own["word"] != row["word"]:
            raise UserError(f"{folder / TIMES}: story {row['item']}, zone {row['zone']} is "
                            f"{own['word'] if own else 'missing'!r}, expected {row['word']!r} as in {WORDS}: take both "
                            "files from the same version, that of May 2025 or later")
        try:
            word, = row["word"].split()
            milliseconds = float(own["meanItemRT"])
            if not 0 < milliseconds < math.inf:
                raise ValueError
        except ValueError:
            raise UserError(f"{folder}: story {row['item']}, zone {row['zone']}: {row['word']!r:.40} is read in "
                            f"{own['meanItemRT']!r:.40} ms, expected a word and a number above 0") from None
        found.setdefault(row["item"], []).append(Word(word, milliseconds))
    if len(found) < 2:
        raise UserError(f"{folder} has {len(found)} stories, expected at least two: each is predicted from the others")
    return list(found.values())


def _rows(path: Path, needed: Sequence[str]) -> Iterable[dict[str, str]]:
    names, rows = delimited_rows(text_lines(path), f"{path}")
    for name in needed:
        if name not in names:
            raise UserError(f"{path} has the columns {', '.join(names):.80}, expected {', '.join(needed)}")
    return [dict(zip(names, cells, strict=True)) for _, cells in rows]


def table(elmo: ELMo, told: Sequence[Sequence[Word]], state: str) -> Table:
    """Reading times with what they are predicted from; state: as in `surprisal`, over each story.

    Raises UserError for a model without the forward direction, or without word frequencies.
    """
    elmo.model.lm("forward")
    if not elmo.vocabulary.counts:
        raise UserError("the vocabulary has no counts: expected a model with the word frequencies of its corpus")
    *columns, unknown = zip(*(_of_story(elmo, words, number, state) for number, words in enumerate(told)), strict=True)
    return Table(*map(np.concatenate, columns), sum(unknown))


def _of_story(elmo: ELMo, words: Sequence[Word], story: int, state: str) -> Table:
    cut = [[text.tokens(word) for word in sentence.split()]
           for sentence in text.sentences(" ".join(word.text for word in words))]
    found = surprisal(elmo, [[token for word in sentence for token in word] for sentence in cut], state)
    own = [one.grouped([len(word) for word in sentence]) for one, sentence in zip(found, cut, strict=True)]
    bits, frequency, unknown = (np.concatenate([getattr(one, name) for one in own])
                                for name in ("forward", "log_frequency", "unknown"))
    length = np.array([len(word.text) for word in words])
    sentence = np.repeat(np.arange(len(cut)), [len(one) for one in cut])
    edge = np.diff(sentence, prepend=-1) | np.diff(sentence, append=-1)     # the first or the last of a sentence
    lags = np.arange(BEFORE, len(words))[:, None] - np.arange(BEFORE + 1)   # the word, the one before it, ..
    inner = lags[edge[lags[:, 0]] == 0]
    known = inner[~unknown[inner].any(axis=1)]
    t = known[:, 0]
    return Table(np.array([word.milliseconds for word in words])[t], np.hstack([length[known], frequency[known]]),
                 bits[known], np.full(len(t), story), sentence[t], len(inner) - len(known))


def compared(found: Table) -> dict[str, Any]:
    """What the surprisals add: see this module's docstring."""
    y, base = found.milliseconds, found.control
    full = np.column_stack([found.bits, base])
    gain, without = np.zeros(len(y)), np.zeros(len(y))
    for story in np.unique(found.story):
        held = found.story == story
        one, two = (least_squares(X[~held], y[~held]).log_likelihood(X[held], y[held]) for X in (base, full))
        gain[held], without[held] = two - one, one
    whole = least_squares(full, y)
    seen = np.mean(whole.log_likelihood(full, y) - least_squares(base, y).log_likelihood(base, y))
    low, high = interval(gain, np.column_stack([found.story, found.sentence]))
    bits = slice(1, BEFORE + 2)
    return {"words": len(y), "unknown": found.unknown, "without": float(without.mean()), "gain": float(gain.mean()),
            "low": low, "high": high, "gain_seen": float(seen), "ms_per_bit": whole.b[bits].tolist(),
            "standard_error": whole.error[bits].tolist()}


def interval(values: Array, group: Array) -> tuple[float, float]:
    """The 95 % interval of the mean of values (N,), whose groups, rows of (N, K), are drawn with replacement."""
    number = np.unique(group, axis=0, return_inverse=True)[1].reshape(-1)
    sums, sizes = np.bincount(number, values), np.bincount(number)
    times = np.random.default_rng(0).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), DRAWS)
    low, high = np.quantile(times @ sums / (times @ sizes), [0.025, 0.975])
    return float(low), float(high)


def lines(found: dict[str, Any]) -> Iterable[str]:
    """The result to read."""
    yield (f"{found['words']:,} words; {found['unknown']:,} left out, where the model does not know the word or one of "
           f"the {BEFORE} before it")
    yield (f"log-likelihood per word on stories held out: {found['without']:.4f} nats without surprisal, "
           f"{found['gain']:+.4f} with it (95 % interval {found['low']:+.4f} to {found['high']:+.4f}); "
           f"on the same stories {found['gain_seen']:+.4f}")
    for k, (b, error) in enumerate(zip(found["ms_per_bit"], found["standard_error"], strict=True)):
        which = "the word" if k == 0 else f"{k} before"
        yield f"surprisal of {which}: {b:+.2f} ms per bit (standard error {error:.2f})"


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="reading_times.py", description="Does surprisal predict reading times?")
    parser.add_argument("model", metavar="MODEL", help="directory of a run, or a model file")
    parser.add_argument("folder", metavar="DIR", type=Path, help=f"directory with {WORDS} and {TIMES}")
    parser.add_argument("--state", choices=("carry", "reset"), default="carry",
                        help="each sentence after the one before (default), or on its own")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    args = parser.parse_args(argv)
    told = stories(args.folder)
    found = compared(table(ELMo.load(args.model), told, args.state))
    print(json.dumps(found, indent=2) if args.json else "\n".join(lines(found)))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and return the exit code, 2 for a user error."""
    return guarded("reading_times.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
