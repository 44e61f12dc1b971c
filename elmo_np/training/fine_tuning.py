"""Fine-tuning: a biLM trained on a large text continues to learn from the unlabelled text of a domain.

Training starts from its values and keeps its vocabulary: target words outside it count as <UNK>. The optimiser starts
afresh. A model without a softmax, as most published weights are, gets a new one; if it reads characters, it predicts
the words of the new text.
Source: Peters et al. 2018, section 3.4: one epoch on the training sentences of a task lowers their perplexity and often
raises the task's score.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from ..config.schema import BiLMConfig, Settings
from ..config.toml_files import read_toml, replaced
from ..data.vocabulary import AUTO
from ..errors import UserError
from ..inference.elmo import ELMo
from ..io.model_file import Stored, read_model
from ..io.run_directory import RunDirectory
from ..nn.parameter import parameters

EPOCHS = 1              # as in the paper
FREE = ("dropout", "input_dropout", "output_dropout", "locked_dropout", "embedding_dropout", "weight_drop", "ar",
        "tar", "label_smoothing")       # settings of the model that only training depends on
SOFTMAX = ("predict", "softmax", "samples", "cutoffs", "div_value", "share_softmax")     # those of a new softmax


def settings_of(run: str | os.PathLike[str], settings: Settings | None = None) -> Settings:
    """Settings to fine-tune the model of a run's directory: those of the run, for one epoch and without its corpora.

    settings    how to train, instead of the run's own [train] and [data]
    Raises UserError where there is no model.
    """
    stored = read_model(run, mmap=True)
    folder = RunDirectory(stored.path.parent)
    if settings is None:
        settings = read_toml(folder.config, Settings()) if folder.config.is_file() else Settings()
    unknown = stored.vocabulary.unknown if keeps_vocabulary(stored) else AUTO
    return replaced(dataclasses.replace(settings, model=stored.config), corpus=None, valid=None, fine_tune=str(run),
                    predict=True, tokenize=stored.tokenize, unknown=unknown, epochs=EPOCHS)


def keeps_vocabulary(stored: Stored) -> bool:
    """Whether a model's words are tied to its arrays: those that its softmax predicts, or that it reads by id."""
    return stored.config.predict or stored.config.char_filters is None


def base_model(settings: Settings, folder: RunDirectory) -> Stored | None:
    """The model that training starts from, None if the settings do not name one.

    A training that stopped in `folder` has its own last state there; the model it began with may be gone.
    Raises UserError where there is no model, or it does not fit the settings.
    """
    if settings.data.fine_tune is None:
        return None
    run = str(folder.last) if folder.last.exists() else settings.data.fine_tune
    stored = read_model(run)
    free = {*FREE} if stored.config.predict else {*FREE, *SOFTMAX}
    if settings.model.cutoffs is None:      # those of the model hold
        free.add("cutoffs")
    for field in dataclasses.fields(BiLMConfig):
        own, asked = getattr(stored.config, field.name), getattr(settings.model, field.name)
        if own != asked and field.name not in free:
            raise UserError(f"{field.name} = {asked!r}, but the model of {run} has {own!r}: expected the same, because "
                            "training starts from its values; leave the setting out")
    return stored


def same_run(one: str | None, other: str | None) -> bool:
    """Whether two paths, None for no run, lead to the same run."""
    if one is None or other is None:
        return one is other
    return Path(one).resolve() == Path(other).resolve()


def take_over(stored: Stored, elmo: ELMo) -> None:
    """Copy the values of a stored model into one of the same sizes; a softmax that it lacks stays as it was drawn."""
    elmo.mix.layer_norm = stored.layer_norm
    values = stored.take(elmo) if stored.config.predict else stored.take(elmo, without=".softmax.")
    own = parameters(elmo)
    for name, value in values.items():
        own[name].value[...] = value
