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

from ..config.schema import BiLMConfig, Settings
from ..config.toml_files import read_toml, replaced
from ..errors import UserError
from ..inference.elmo import ELMo
from ..io.model_file import Stored, read_model
from ..io.run_directory import RunDirectory
from ..nn.parameter import parameters

EPOCHS = 1          # of the paper
FREE = ("dropout",)     # what of the model's settings is of training alone


def settings_of(run: str | os.PathLike[str], settings: Settings | None = None) -> Settings:
    """Settings to fine-tune the model of a run's folder: its own, for one epoch, with what of it is no longer true left
    out.

    settings    how to train, in place of the run's own [train] and [data]
    Raises UserError where there is no model, and for one that predicts no words.
    """
    stored = read_model(run, mmap=True)
    if not stored.config.predict:
        raise UserError(f"the model of {run} has no softmax, and a language model learns by predicting words: expected "
                        "one with a softmax; if it was converted, do that again with --softmax and --vocabulary")
    folder = RunDirectory(stored.path.parent)
    if settings is None:
        settings = read_toml(folder.config, Settings()) if folder.config.is_file() else Settings()
    return replaced(dataclasses.replace(settings, model=stored.config), corpus=None, valid=None, fine_tune=str(run),
                    tokenize=stored.tokenize, epochs=EPOCHS)


def begun(settings: Settings, folder: RunDirectory) -> Stored | None:
    """The model that these settings say to go on from, None if they name none; of a training that stopped in the folder
    its own last state, for the model that it began with may be gone.

    Raises UserError where there is no model, or the settings are of another one.
    """
    if settings.data.fine_tune is None:
        return None
    run = str(folder.last) if folder.last.exists() else settings.data.fine_tune
    stored = read_model(run)
    for field in dataclasses.fields(BiLMConfig):
        own, asked = getattr(stored.config, field.name), getattr(settings.model, field.name)
        if own != asked and field.name not in FREE:
            raise UserError(f"{field.name} = {asked!r}, but the model of {run} has {own!r}: expected the same, because "
                            "its numbers are where training begins; leave the setting out")
    return stored


def same_run(one: str | None, other: str | None) -> bool:
    """Whether two names of a run, None for no run, lead to one place."""
    if one is None or other is None:
        return one is other
    return Path(one).resolve() == Path(other).resolve()


def take_over(stored: Stored, elmo: ELMo) -> None:
    """Bring a model of the same sizes to where another is."""
    elmo.mix.layer_norm = stored.layer_norm
    values = stored.take(elmo)
    for name, p in parameters(elmo).items():
        p.value[...] = values[name]
