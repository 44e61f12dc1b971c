"""What validation says of a training: that it overfits, has learnt its text by heart, or is no better than counting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..config.schema import TrainConfig
from ..data.vocabulary import Vocabulary
from ..inference.evaluate import unigram_perplexity
from ..nn.bilm import Loss
from .checkpointing import TrainingState
from .messages import gap_note, overfitting_note, rising_note, unigram_note
from .metrics import read, training_loss

RISING = 2                  # epochs without a better validation after which that is said
GAP = math.log(2)           # nats per token from training to validation, after which that is said


class Judge(NamedTuple):
    """Of one training; metrics: its metrics.csv; valid: the text that it is validated on."""

    config: TrainConfig
    vocabulary: Vocabulary
    valid: Iterable[Sequence[str]]
    metrics: Path

    def during(self, place: TrainingState, validation: Loss, advice: str) -> Iterator[str]:
        """Notes after an epoch that others follow; advice: against a training that does not learn."""
        if place.since_best == 1:           # or what may be a day's training would say so at its end only
            yield from self._above_unigram(validation, advice)
        if place.since_best == RISING and place.best < math.inf and self.config.patience is None:
            yield rising_note(RISING)

    def at_end(self, place: TrainingState, validation: Loss, advice: str) -> Iterator[str]:
        """Notes after the last epoch."""
        last = place.epoch - 1
        if place.since_best > 0:
            yield overfitting_note(last - place.since_best, last)
        seen = training_loss(read(self.metrics), last)
        if seen is not None and validation.total - seen.total > len(seen.each) * GAP:
            yield gap_note(seen, validation)
        yield from self._above_unigram(validation, advice)

    def _above_unigram(self, validation: Loss, advice: str) -> Iterator[str]:
        unigram = math.log(unigram_perplexity(self.vocabulary, self.valid))
        if max(validation.each.values()) >= unigram:
            yield unigram_note(validation, unigram, advice)
