"""How much there is to do in one epoch, from the counts of the vocabulary alone."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..config.schema import TrainConfig
from ..data.batches import most_steps
from ..data.vocabulary import Vocabulary
from ..errors import DoesNotFit


class EpochSize(NamedTuple):
    """What one epoch consists of."""

    sentences: int
    targets: int        # of one direction: the words, and one special token per sentence
    steps: int          # about that many: streams may end at different times, and long sentences fill batches unevenly


def epoch_size(vocabulary: Vocabulary, config: TrainConfig) -> EpochSize:
    """The size of an epoch over the corpus that the vocabulary has counted.

    Raises UserError where there are fewer sentences than a batch has rows.
    """
    counts = vocabulary.counts or []
    sentences = vocabulary.count(vocabulary.bos)
    targets = sum(counts) - sentences           # a sentence's two special tokens are targets of one direction each
    if sentences < config.batch_size:
        raise DoesNotFit(f"batch_size = {config.batch_size}, but there are {sentences} sentences to train on: "
                        f"expected at most as many; set batch_size={sentences}")
    if config.state == "reset":
        steps = max(sentences / config.batch_size, targets / most_steps(config.batch_size))
    else:
        steps = targets / (config.batch_size * config.steps)
    return EpochSize(sentences, targets, math.ceil(steps))
