"""What a model knows of grammar: how often its surprisal is as test suites predict.

    (P6) - log p(w_t | the words before and after it) by (M2), the pseudo-log-likelihood: both directions at once

Formulae compare bits, as those of SyntaxGym do.

Source: Salazar et al. 2020 (pseudo-log-likelihood).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import NamedTuple, TypeVar

import numpy as np

from ..config.directions import DIRECTIONS, by_direction
from ..data.formula import Formula, Reference
from ..data.minimal_pairs import PAIR, VERB, Suite
from ..errors import UserError
from ..types import Array
from .elmo import ELMo
from .encoder import encode
from .evaluate import SentenceScore, evaluate, unigram_log_p
from .surprisal import BITS
from .token_indexer import token_indexer

CHOICES = (*DIRECTIONS, "both")         # of directions
DRAWS = 20000           # of random surprisals, for the share that chance gets right
MOST = 1 << 14          # steps of a batch

Split = Callable[[str], list[str]]      # text to tokens
Number = TypeVar("Number", int, float)


class Sentence(NamedTuple):
    """An item in one condition."""

    tokens: list[str]
    regions: dict[str, slice]       # of the tokens; "*": all of them and the end token


class Result(NamedTuple):
    """How many items of a suite, or of several, came out as predicted."""

    name: str
    items: int
    right: int
    ties: int | None                # pairs with the same score twice, which are wrong; None for other formulae
    unknown: int                    # items with a critical word that the model does not know
    known_right: int                # right ones among the others
    unigram: int | None             # right by the frequency of words alone; None for a vocabulary without counts
    chance: float | None            # the share that random surprisals get right; None for a formula with a number


def together(name: str, results: Sequence[Result]) -> Result:
    """Several results as one, of that name. What one of them lacks, the whole lacks."""
    items = sum(result.items for result in results)
    expected = _sum([None if result.chance is None else result.chance * result.items for result in results])
    return Result(name, items, sum(result.right for result in results), _sum([result.ties for result in results]),
                  sum(result.unknown for result in results), sum(result.known_right for result in results),
                  _sum([result.unigram for result in results]), None if expected is None else expected / items)


def _sum(values: Sequence[Number | None]) -> Number | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if len(known) == len(values) else None


def probe(elmo: ELMo, suites: Sequence[Suite], split: Split, direction: str | None = None,
          each: Callable[[int], None] | None = None) -> list[Result]:
    """One result per suite.

    split       text of a region to tokens
    direction   whose surprisal: "forward", given the words before; "backward"; "both", given all other words (P6);
                None: forward, or the only direction of the model
    each        called with the number of sentences done
    Raises UserError for another direction, one that the model lacks, a sentence without a word, or a model without a
    softmax.
    """
    if direction is None:
        direction = next(iter(elmo.model.lms))
    if direction not in CHOICES:
        raise UserError(f"direction {direction!r}: expected one of {', '.join(CHOICES)}")
    for needed in DIRECTIONS if direction == "both" else (direction,):
        elmo.model.lm(needed)
    cut = [[{name: _cut(suite, regions, split) for name, regions in item.items()} for item in suite.items]
           for suite in suites]
    sentences = [sentence.tokens for items in cut for item in items for sentence in item.values()]
    found = iter(_surprisals(elmo, sentences, direction, each))
    prior = -unigram_log_p(elmo.vocabulary) if elmo.vocabulary.counts else None
    return [_result(elmo, suite, items, [{name: next(found) for name in item} for item in items], prior)
            for suite, items in zip(suites, cut, strict=True)]


def _cut(suite: Suite, regions: dict[str, str], split: Split) -> Sentence:
    tokens: list[str] = []
    places = {}
    for number, text in regions.items():
        start = len(tokens)
        tokens += split(text)
        places[number] = slice(start, len(tokens))
    if not tokens:
        raise UserError(f"{suite.name}: a sentence has no word")
    return Sentence(tokens, {**places, "*": slice(0, len(tokens) + 1)})


def _surprisals(elmo: ELMo, sentences: Sequence[list[str]], direction: str,
                each: Callable[[int], None] | None) -> Iterable[Array]:
    """In nats, of every token of each sentence and of its end token."""
    done: list[Array] = []

    def add(nats: Array) -> None:
        done.append(nats)
        if each is not None:
            each(len(done))
    if direction == "both":
        for nats in _pseudo(elmo, sentences):
            add(nats)
        return done

    def score(found: SentenceScore) -> None:
        log_p = by_direction(found, "{}_tokens")[direction]
        # <S>, which the backward direction predicts last, comes first in its scores
        add(-np.roll(log_p, -1) if direction == "backward" else -log_p)
    evaluate(elmo.model, elmo.vocabulary, sentences, state="reset", each=score)
    return done


def _pseudo(elmo: ELMo, sentences: Sequence[list[str]]) -> Iterator[Array]:
    """- log p of every word given all others of its sentence, in nats; 0 for the end token, which is not a word."""
    model, P = elmo.model, elmo.model.config.output_dim
    ahead, back = (model.lm(direction).output_layer() for direction in DIRECTIONS)
    prior = unigram_log_p(elmo.vocabulary)
    encoded = encode(token_indexer(model, elmo.vocabulary), sentences, None, MOST)
    for words, (_, parts) in zip(sentences, encoded, strict=True):
        top = np.concatenate([layers[-1] for layers in parts])
        f, b = (np.ascontiguousarray(h) for h in (top[:-2, :P], top[2:, P:]))
        s = ahead.log_probabilities(f) + back.log_probabilities(b) - prior       # (P6)
        high = s.max(axis=1)
        total = high + np.log(np.exp(s - high[:, None]).sum(axis=1))             # (P6)
        target = s[np.arange(len(words)), elmo.vocabulary.ids(words)]
        yield np.append(total - target, 0.0)                                     # (P6)


def _result(elmo: ELMo, suite: Suite, items: Sequence[dict[str, Sentence]], nats: Sequence[dict[str, Array]],
            prior: Array | None) -> Result:
    """nats: of every token of each item in each condition; prior: nats of every word by the unigram model."""
    formula, vocabulary = suite.formula, elmo.vocabulary

    def bits(of: Callable[[int, str], Array]) -> dict[Reference, Array]:
        return {(region, name): BITS * np.array([of(k, name)[item[name].regions[region]].sum()
                                                 for k, item in enumerate(items)])
                for region, name in formula.references}
    values = bits(lambda k, name: nats[k][name])
    right = formula(values)
    ties = int(np.equal(*values.values()).sum()) if formula.text in (PAIR, VERB) else None
    known = np.array([all(word in vocabulary for word in _critical(formula, item)) for item in items])
    unigram = None
    if prior is not None:
        unigram = int(formula(bits(lambda k, name: prior[vocabulary.encode(items[k][name].tokens)[1:]])).sum())
    return Result(suite.name, len(items), int(right.sum()), ties, int((~known).sum()), int((right & known).sum()),
                  unigram, chance(formula))


def _critical(formula: Formula, item: dict[str, Sentence]) -> set[str]:
    """The words on which an item turns: those of the regions that the formula reads or, where it reads whole sentences,
    those that are not in all of them."""
    shared = reduce(lambda one, other: one & other, (Counter(sentence.tokens) for sentence in item.values()))
    found: set[str] = set()
    for region, name in formula.references:
        words = Counter(item[name].tokens[item[name].regions[region]])
        found |= set(words - shared if region == "*" else words)
    return found


def chance(formula: Formula) -> float | None:
    """The share of items that come out as predicted where the surprisal of every region is random.

    None for a formula that compares it with a number, as the share then depends on how large it is.
    """
    if not formula.relative:
        return None
    rng = np.random.default_rng(0)
    drawn = {}
    for reference in formula.references:
        half = rng.standard_normal(DRAWS // 2)
        drawn[reference] = np.concatenate([half, -half])        # so that a single comparison holds in exactly half
    return float(np.mean(formula(drawn)))
