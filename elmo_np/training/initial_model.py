"""The model that a training starts from: its words, its cutoffs, its weights.

base    the model that is fine-tuned, None for a new one
last    the last save of a training that is resumed, whose choices hold; None for a new run
"""

from __future__ import annotations

import math
import os

import numpy as np

from ..config.schema import Settings
from ..data.corpus import splits_raw_text
from ..data.vocabulary import AUTO, Vocabulary
from ..errors import DoesNotFit
from ..inference.elmo import ELMo
from ..io.model_file import Stored, shapes
from ..nn.adaptive_softmax import training_cutoffs
from ..nn.bilm import BiLM
from .fine_tuning import keeps_vocabulary
from .survey import Survey


def vocabulary_of(settings: Settings, base: Stored | None, last: Stored | None, survey: Survey) -> Vocabulary:
    """The words of the model that training starts from, or those of the corpus, with the counts of the corpus."""
    if base and not keeps_vocabulary(base):
        base = None
    data, stored = settings.data, last or base
    unknown = stored.vocabulary.unknown if stored and data.unknown == AUTO else data.unknown
    if base:
        return Vocabulary(base.vocabulary.words, unknown=unknown).recounted(survey.words, survey.sentences)
    return Vocabulary.from_counts(survey.words, survey.sentences, data.min_count, data.max_vocabulary, unknown)


def cutoffs_of(settings: Settings, base: Stored | None, last: Stored | None, V: int) -> tuple[int, ...] | None:
    """Of an adaptive softmax over V words: as asked, or as the model has them that training starts from, or chosen."""
    model = settings.model
    if model.softmax != "adaptive" or model.cutoffs is not None:
        return model.cutoffs
    if last:
        return last.config.cutoffs
    return base.config.cutoffs if base and base.config.predict else training_cutoffs(V)


def new_elmo(settings: Settings, vocabulary: Vocabulary) -> ELMo:
    """An untrained model, drawn from the settings' seed."""
    seed = settings.train.seed
    check_size(sum(math.prod(shape) for _, shape in shapes(settings.model, len(vocabulary))))
    model = BiLM(settings.model, len(vocabulary), rng=np.random.default_rng([seed, 0]))
    return ELMo(model, vocabulary, tokenize=splits_raw_text(settings), seed=seed)


def check_size(values: int) -> None:
    """Raise UserError where so many float32 values and their gradients are more than the memory of this machine."""
    if not hasattr(os, "sysconf"):      # Windows
        return
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if 8 * values > memory:
        raise DoesNotFit(f"the model would have {values:,} values and need {8 * values / 1e9:,.1f} GB with their "
                        f"gradients; this machine has {memory / 1e9:,.1f} GB: choose smaller sizes or a smaller "
                        "vocabulary")
