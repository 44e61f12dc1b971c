"""Going on bit for bit: what of a training is neither model nor setting, and how it is kept in last.safetensors."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence

import numpy as np

from .. import backend
from ..config.schema import BiLMConfig, Settings, TrainConfig
from ..config.toml_files import from_json
from ..errors import UserError
from ..inference.elmo import ELMo
from ..io.model_file import read_model
from ..io.run_directory import RunDirectory
from ..nn.bilm import BiState, Loss
from ..nn.optim import Optimizer
from ..runtime.progress import Progress
from ..types import Array
from .fine_tuning import take_over

MAY_CHANGE = {"epochs", "patience", "threads", "save_every"}    # of TrainConfig: no step depends on them


@dataclasses.dataclass
class TrainingState:
    """Where a training is: everything that its next step, its next line and its next decision depend on."""

    epoch: int = 1                  # counted from 1
    step: int = 0                   # batches done in this epoch
    best: float = math.inf          # lowest validation loss so far, both directions, nats a token
    since_best: int = 0             # epochs since then
    forward: float = 0.0            # nats of the forward direction since the last row of metrics.csv
    backward: float = 0.0
    tokens: int = 0                 # since then

    # How long it took is no part of what is computed, and of no file but metrics.csv.
    seconds: float = 0.0
    timed: int = 0                  # steps since the program began
    seconds_a_step: float = 0.0     # a running mean over them
    speed: float = 0.0              # tokens a second, likewise
    last: Loss = dataclasses.field(default_factory=lambda: Loss(0.0, 0.0))

    def count(self, loss: Loss, tokens: int, seconds: float) -> None:
        """One batch is done."""
        self.step += 1
        self.forward += loss.forward * tokens
        self.backward += loss.backward * tokens
        self.tokens += tokens
        self.seconds += seconds
        self.timed += 1
        weight = max(0.05, 1 / self.timed)
        self.seconds_a_step += weight * (seconds - self.seconds_a_step)
        self.speed += weight * (tokens / max(seconds, 1e-9) - self.speed)
        self.last = loss

    def clear_sums(self) -> None:
        self.forward = self.backward = 0.0
        self.tokens = 0

    def next_epoch(self) -> None:
        self.epoch, self.step = self.epoch + 1, 0
        self.clear_sums()

    def __str__(self) -> str:
        return f"epoch {self.epoch}, step {self.step}"


KEPT = ("epoch", "step", "best", "since_best", "forward", "backward", "tokens")


def machine() -> dict[str, str]:
    """What decides the last bit of a result besides the program and its input."""
    return {"numpy": np.__version__, "backend": backend.backend(), "simd": backend.simd()}


def state_dict(place: TrainingState, state: BiState | None, optimizer: Optimizer,
             rngs: Sequence[np.random.Generator], corpora: tuple[str, str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays and texts for last.safetensors; corpora: the fingerprints of what is trained and validated on."""
    tensors = {f"optimizer.{name}": array for name, array in optimizer.state().items()}
    for direction, layers in zip(("forward", "backward"), state or (), strict=False):
        for k, (h, c) in enumerate(layers):
            tensors |= {f"state.{direction}.{k}.h": np.ascontiguousarray(h), f"state.{direction}.{k}.c": c}
    texts = {"place": json.dumps({key: getattr(place, key) for key in KEPT}, sort_keys=True),
             "rngs": json.dumps([rng.bit_generator.state for rng in rngs], sort_keys=True),
             "corpora": json.dumps(corpora), "machine": json.dumps(machine(), sort_keys=True)}
    return tensors, texts


def restore(folder: RunDirectory, elmo: ELMo, settings: Settings, optimizer: Optimizer,
            rngs: Sequence[np.random.Generator], corpora: tuple[str, str],
            progress: Progress) -> tuple[TrainingState, BiState | None]:
    """Bring model, optimiser and generators to where last.safetensors is; the place and the streams' state come back.

    Raises UserError where the settings or the corpus are not those of the run.
    """
    found = read_model(folder.last)
    tensors, texts = found.tensors, found.metadata
    if not {"place", "rngs", "corpora", "machine", "train"} <= set(texts):
        raise UserError(f"{folder.last} holds a model but no training to go on with: expected what `train` left there")
    if found.vocabulary != elmo.vocabulary or json.loads(texts["corpora"]) != list(corpora):
        raise UserError(f"the corpus is not the one that {folder.path} was trained or validated on: resume with the "
                        "same corpus, --valid and [data] settings")
    _same_settings(found.config, from_json(TrainConfig, texts["train"]), settings)
    if json.loads(texts["machine"]) != machine():
        progress.say(f"note: the run was computed with {texts['machine']}, now with {json.dumps(machine())}: "
                     "the continuation is as good, but not the same bit for bit")
    take_over(found, elmo)
    optimizer.load_state({k.removeprefix("optimizer."): v for k, v in tensors.items() if k.startswith("optimizer.")})
    for rng, at in zip(rngs, json.loads(texts["rngs"]), strict=True):
        rng.bit_generator.state = at
    return TrainingState(**json.loads(texts["place"])), _state(tensors, settings.model.layers)


def _state(tensors: dict[str, Array], layers: int) -> BiState | None:
    if "state.forward.0.h" not in tensors:
        return None
    one, two = ([(tensors[f"state.{direction}.{k}.h"], tensors[f"state.{direction}.{k}.c"]) for k in range(layers)]
                for direction in ("forward", "backward"))
    return one, two


def _same_settings(model: BiLMConfig, theirs: TrainConfig, settings: Settings) -> None:
    before = dataclasses.asdict(model) | dataclasses.asdict(theirs)
    now = dataclasses.asdict(settings.model) | dataclasses.asdict(settings.train)
    for key, value in before.items():
        if now[key] != value and key not in MAY_CHANGE:
            raise UserError(f"the run was begun with {key} = {value}, now it is {now[key]}: resume with the same, or "
                            f"begin another run; {', '.join(sorted(MAY_CHANGE))} may change")
