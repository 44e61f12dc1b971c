"""Resuming bit for bit: the state of a training beyond its model and settings, and its form in last.safetensors."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import backend
from ..config.schema import BiLMConfig, Settings, TrainConfig
from ..config.toml_files import from_json
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.encoder import arrays_of, state_names, state_of
from ..io.model_file import Stored, read_model
from ..io.run_directory import RunDirectory
from ..io.training_corpus import CORPORA
from ..nn.bilm import BiLM, BiState, Loss
from ..nn.optim import Optimizer
from ..runtime import json_text
from ..runtime.progress import Progress
from ..types import Array
from .fine_tuning import take_over

MAY_CHANGE = {"epochs", "patience", "threads", "eval_every", "save_every"}    # of TrainConfig: no step depends on them
RECENT = 120.0          # seconds after which a step counts a third for the speed


@dataclasses.dataclass
class TrainingState:
    """How far a training has come: everything that its next step, row and decision depend on."""

    epoch: int = 1                  # counted from 1
    step: int = 0                   # batches done in this epoch
    best: float = math.inf          # lowest validation loss so far, all directions, nats per token
    since_best: int = 0             # epochs since it was found; -1: found within this one
    forward: float = 0.0            # nats of the forward direction since the last row of metrics.csv
    backward: float = 0.0
    tokens: int = 0                 # since that row

    losses: list[float] = dataclasses.field(default_factory=list)   # of validation after each epoch, for NT-ASGD alone

    # Times do not affect what is computed, and only metrics.csv keeps the seconds.
    seconds: float = 0.0
    # Sums over about the last two minutes, for the speed and the time left: what is older fades.
    recent_steps: float = 0.0
    recent_tokens: float = 0.0
    recent_seconds: float = 0.0
    last: Loss = dataclasses.field(default_factory=lambda: Loss(0.0, 0.0))

    def count(self, loss: Loss, tokens: int, seconds: float) -> None:
        """Add one finished batch."""
        self.step += 1
        for direction, nats in loss.each.items():
            setattr(self, direction, getattr(self, direction) + nats * tokens)
        self.tokens += tokens
        self.seconds += seconds
        fading = math.exp(-seconds / RECENT)
        self.recent_steps = fading * self.recent_steps + 1
        self.recent_tokens = fading * self.recent_tokens + tokens
        self.recent_seconds = fading * self.recent_seconds + seconds
        self.last = loss

    @property
    def seconds_per_step(self) -> float:
        return self.recent_seconds / max(self.recent_steps, 1)

    @property
    def speed(self) -> float:
        """Tokens per second."""
        return self.recent_tokens / max(self.recent_seconds, 1e-9)

    def clear_sums(self) -> None:
        self.forward = self.backward = 0.0
        self.tokens = 0

    def next_epoch(self) -> None:
        self.epoch, self.step = self.epoch + 1, 0
        self.clear_sums()

    def __str__(self) -> str:
        return f"epoch {self.epoch}, step {self.step}"


KEPT = ("epoch", "step", "best", "since_best", "forward", "backward", "tokens", "losses")


def machine() -> dict[str, str]:
    """What the last bit of a result depends on besides the program and its input."""
    return {"numpy": np.__version__, "backend": backend.backend(), "simd": backend.simd()}


def state_dict(place: TrainingState, model: BiLM, state: BiState | None, optimizer: Optimizer,
               random: Sequence[Any], corpora: tuple[str, str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays and texts for last.safetensors.

    state       of the model's streams
    random      the state of each random generator
    corpora     the fingerprints of the training and the validation corpus
    """
    tensors = {f"optimizer.{name}": array for name, array in optimizer.state().items()}
    if state is not None:
        arrays = map(np.ascontiguousarray, arrays_of(state))
        tensors |= {f"state.{name}": array for name, array in zip(state_names(model), arrays, strict=True)}
    texts = {"place": json.dumps({key: getattr(place, key) for key in KEPT if key != "losses" or place.losses},
                                 sort_keys=True),
             "rngs": json.dumps(random, sort_keys=True),
             CORPORA: json.dumps(corpora), "machine": json.dumps(machine(), sort_keys=True)}
    return tensors, texts


def restore(folder: RunDirectory, elmo: ELMo, settings: Settings, optimizer: Optimizer,
            rngs: Sequence[np.random.Generator], corpora: tuple[str, str],
            progress: Progress) -> tuple[TrainingState, BiState | None, dict[str, Array]]:
    """Load last.safetensors into model, optimiser and generators; the training's state, that of the streams and that of
    the average of the weights, empty where there is none.

    Raises UserError where the settings or the corpora are not those of the run.
    """
    found = read_model(folder.last)
    tensors, texts = found.tensors, found.metadata
    if not {"place", "rngs", CORPORA, "machine", "train"} <= set(texts):
        raise UserError(f"{folder.last} holds a model but no state of a training: expected what `train` left there")
    random = _json(folder, texts, "rngs")
    place = _place(folder, texts)
    check_corpora(folder, found, elmo.vocabulary, corpora)
    try:
        train = from_json(TrainConfig, texts["train"])
    except UserError as error:
        raise UserError(f"{folder.last}: {error}") from error
    _check_settings(found.config, train, settings)
    if _json(folder, texts, "machine") != machine():
        progress.say(f"note: the run was computed with {texts['machine']}, now with {json.dumps(machine())}: "
                     "the result is as good, but not the same bit for bit")
    take_over(found, elmo)
    try:
        optimizer.load_state(_part(tensors, "optimizer."))
    except UserError as error:
        raise UserError(f"{folder.last}: {error}") from error
    try:
        for rng, at in zip(rngs, random, strict=True):
            rng.bit_generator.state = at
    except (TypeError, ValueError, KeyError, OverflowError, AttributeError) as error:
        raise _unusable(folder, "rngs") from error
    return place, _state(folder, tensors, elmo.model, settings.train), _part(tensors, "average.")


def check_corpora(folder: RunDirectory, found: Stored, vocabulary: Vocabulary, corpora: tuple[str, str]) -> None:
    """Raise UserError unless the corpora, of these fingerprints, and their words are those of the run."""
    same = found.vocabulary == vocabulary and found.vocabulary.unknown == vocabulary.unknown
    if not same or _json(folder, found.metadata, CORPORA) != list(corpora):
        raise UserError(f"the corpus is not the one that {folder.path} was trained or validated on: resume with the "
                        "same corpus, validation file and [data] settings")


def _part(tensors: dict[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays whose names begin with the prefix, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def _unusable(folder: RunDirectory, what: str) -> UserError:
    return UserError(f"{folder.last}: {what} is not what `train` writes: expected the file of a training; copy it "
                     "again from its source, or train again")


def _json(folder: RunDirectory, texts: dict[str, str], name: str) -> Any:
    try:
        return json_text.loads(texts[name])
    except ValueError as error:
        raise _unusable(folder, name) from error


def _place(folder: RunDirectory, texts: dict[str, str]) -> TrainingState:
    """How far the training came; every count within what can be counted."""
    values = _json(folder, texts, "place")
    if not isinstance(values, dict) or not set(values) <= set(KEPT):
        raise _unusable(folder, "place")
    least = {"epoch": 1, "since_best": -1}
    losses = values.pop("losses", [])
    if not isinstance(losses, list) or not all(isinstance(loss, float) and loss >= 0 for loss in losses):
        raise _unusable(folder, "place")
    for key, value in values.items():
        kinds = (int, float) if key in ("best", "forward", "backward") else int
        most = math.inf if key == "best" else 2**63 - 1
        if not isinstance(value, kinds) or not least.get(key, 0) <= value <= most:
            raise _unusable(folder, "place")
    return TrainingState(**values, losses=losses)


def _state(folder: RunDirectory, tensors: dict[str, Array], model: BiLM, config: TrainConfig) -> BiState | None:
    """The state of the streams. Raises UserError where an array does not fit the model."""
    names = [f"state.{name}" for name in state_names(model)]
    if names[0] not in tensors:
        return None
    B = config.batch_size
    if config.state == "reset":     # as many rows as the last batch had sentences
        B = len(np.atleast_1d(tensors[names[0]]))
    for name, zeros in zip(names, arrays_of(model.zero_state(B)), strict=True):
        found = tensors.get(name)
        fits = found is not None and found.shape == zeros.shape and found.dtype == zeros.dtype
        if found is None or not fits or not np.isfinite(found).all():
            raise _unusable(folder, name)
    return state_of(model, (tensors[name] for name in names))


def _check_settings(model: BiLMConfig, train: TrainConfig, settings: Settings) -> None:
    """Raise UserError where a setting that matters differs from the run's: model and train are the run's."""
    before = dataclasses.asdict(model) | dataclasses.asdict(train)
    now = dataclasses.asdict(settings.model) | dataclasses.asdict(settings.train)
    for key, value in before.items():
        if now[key] != value and key not in MAY_CHANGE:
            raise UserError(f"the run began with {key} = {value}, now it is {now[key]}: resume with the same value, or "
                            f"start another run; {', '.join(sorted(MAY_CHANGE))} may change")
