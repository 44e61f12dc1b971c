"""Fine-tuning: a biLM that was trained on much text goes on learning from the text of a domain, without labels.

Its numbers are where training begins, and its vocabulary stays: words to predict that it lacks are <UNK>. The optimiser
begins anew.
Source: Peters et al. 2018, section 3.4: one epoch on the training sentences of a task, whose perplexity falls and whose
score often rises.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from .config import BiLMConfig, Settings, read_toml, replaced
from .elmo import ELMo
from .errors import UserError
from .parameter import parameters
from .run import Folder, Stored, read_model

EPOCHS = 1          # of the paper
FREE = ("dropout",)     # what of the model's settings is of training alone


def settings_of(run: str | os.PathLike[str], settings: Settings | None = None) -> Settings:
    """Settings to fine-tune the model of a run's folder: its own, for one epoch, with what of it is no longer true left
    out.

    settings    how to train, in place of the run's own [train] and [data]
    Raises UserError where there is no model.
    """
    stored, folder = read_model(run, mmap=True), Folder(Path(run))
    if settings is None:
        settings = read_toml(folder.config, Settings()) if folder.config.is_file() else Settings()
    return replaced(dataclasses.replace(settings, model=stored.config), corpus=None, valid=None, fine_tune=str(run),
                    tokenize=stored.tokenize, epochs=EPOCHS)


def begun(settings: Settings) -> Stored | None:
    """The model that these settings say to go on from, None if they name none.

    Raises UserError where there is no model, or the settings are of another one.
    """
    run = settings.data.fine_tune
    if run is None:
        return None
    stored = read_model(run)
    for field in dataclasses.fields(BiLMConfig):
        own, asked = getattr(stored.config, field.name), getattr(settings.model, field.name)
        if own != asked and field.name not in FREE:
            raise UserError(f"{field.name} = {asked!r}, but the model of {run} has {own!r}: expected the same, because "
                            "its numbers are where training begins; leave the setting out")
    return stored


def take_over(stored: Stored, elmo: ELMo) -> None:
    """Bring a model of the same sizes to where another is."""
    values = stored.take(elmo)
    for name, p in parameters(elmo).items():
        p.value[...] = values[name]
