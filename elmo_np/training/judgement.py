"""What validation says of a training: that it overfits, has learnt its text by heart, or is no better than counting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..config.schema import TrainConfig
from ..data.vocabulary import Vocabulary
from ..inference.evaluate import unigram_perplexity
from ..nn.bilm import Loss
from .checkpointing import TrainingState
from .messages import gap_note, overfitting_note, rising_note, unigram_note
from .metrics import read, training_loss

RISING = 2                  # epochs without a better validation after which that is said
GAP = math.log(2)           # nats per token from training to validation, after which that is said


@dataclass
class Judge:
    """Of one training; metrics: its metrics.csv; valid: the text that it is validated on."""

    config: TrainConfig
    vocabulary: Vocabulary
    valid: Iterable[Sequence[str]]
    metrics: Path
    warned: bool = False        # that the model is no better than counting

    def during(self, place: TrainingState, validation: Loss, advice: str) -> Iterator[str]:
        """Notes after an epoch that others follow; advice: against a training that does not learn."""
        if place.since_best == 1 and not self.warned:           # at once: the rest may take a day
            note = self._above_unigram(validation, "if the next epochs are no better, stop (Ctrl-C), and " + advice)
            self.warned = note != []
            yield from note
        if place.since_best == RISING and place.best < math.inf and self.config.patience is None:
            yield rising_note(RISING)

    def at_end(self, place: TrainingState, validation: Loss, advice: str) -> Iterator[str]:
        """Notes after the last epoch."""
        last = place.epoch - 1
        # That more epochs do not help is said of a model that has learnt; one that is no better than counting may need
        # them, and only one of the two is said.
        overfits = place.since_best > 0 and place.best < len(validation.each) * self._unigram
        if overfits:
            yield overfitting_note(last - place.since_best, last)
        seen = training_loss(read(self.metrics), last)
        if seen is not None and validation.total - seen.total > len(seen.each) * GAP:
            yield gap_note(seen, validation)
        if not overfits:
            more = "train for more epochs if the loss was falling; otherwise "
            yield from self._above_unigram(validation, more + advice)

    @cached_property
    def _unigram(self) -> float:
        """The validation loss of the unigram model, nats per token."""
        return math.log(unigram_perplexity(self.vocabulary, self.valid))

    def _above_unigram(self, validation: Loss, advice: str) -> list[str]:
        above = max(validation.each.values()) >= self._unigram
        return [unigram_note(validation, self._unigram, advice)] if above else []
