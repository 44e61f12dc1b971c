"""metrics.csv: the learning curve of a training, one row at a time."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.directions import DIRECTIONS, from_directions
from ..errors import UserError
from ..inference.evaluate import Evaluation
from ..nn.bilm import Loss
from ..runtime.files import atomic_write_text, read_regular_text

if TYPE_CHECKING:
    from .checkpointing import TrainingState

# split: "train", the mean since the previous row; "sampled", the same for a sampled softmax; "valid", at the end of an
# epoch or where eval_every asks for it, over all words. Losses in nats per token; seconds of training. A perplexity is
# blank for the loss of a sampled softmax, whose exp is not one, and for a loss beyond PERPLEXITY_LIMIT; both are blank
# for a direction that the model lacks.
COLUMNS = ("split", "epoch", "step", "tokens", "forward_loss", "backward_loss", "forward_perplexity",
           "backward_perplexity", "learning_rate", "seconds")
LARGEST = 1 << 28           # bytes; a row has about a hundred
PERPLEXITY_LIMIT = 100      # nats per token: exp of it has 44 digits, and no model that is any good comes near


class Metrics:
    """Appends rows as they come, so that a run can be watched, and drops those that a resumed run will write again.

    directions  those of the model
    """

    def __init__(self, path: Path, directions: Sequence[str] = DIRECTIONS):
        self.path = path
        self.directions = directions

    def start(self) -> None:
        atomic_write_text(self.path, ",".join(COLUMNS) + "\n")

    def resume(self, place: TrainingState, validates: bool) -> None:
        """Drop the rows after `place`, which will be written again; `place` gets the seconds of the last one kept.

        validates   whether the training goes on with a validation there: one that was done there before is repeated
        """
        rows = read(self.path) if self.path.exists() else []
        # What `place` has summed up is not written yet.
        valid_end = (place.epoch, place.step if validates else place.step + 1)
        train_end = (place.epoch, place.step if place.tokens else place.step + 1)
        kept = [row for row in rows if (int(row["epoch"]), int(row["step"])) <
                (valid_end if row["split"] == "valid" else train_end)]
        place.seconds = float(kept[-1]["seconds"]) if kept else 0.0
        atomic_write_text(self.path, "\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in kept), ""]))

    def train(self, place: TrainingState, learning_rate: float, sampled: bool) -> None:
        """Add the mean loss since the last row."""
        n = place.tokens
        losses = {direction: getattr(place, direction) / n for direction in self.directions}
        self._add("sampled" if sampled else "train", place, n, losses, learning_rate)

    def valid(self, place: TrainingState, found: Evaluation, learning_rate: float) -> None:
        """Add the losses of a validation."""
        self._add("valid", place, found.targets, found.loss.each, learning_rate)

    def _add(self, split: str, place: TrainingState, tokens: int, losses: Mapping[str, float],
             learning_rate: float) -> None:
        perplexities = {direction: f"{math.exp(loss):.6g}" for direction, loss in losses.items()
                        if split != "sampled" and loss <= PERPLEXITY_LIMIT}
        row = [split, str(place.epoch), str(place.step), str(tokens),
               *(f"{losses[direction]:.6g}" if direction in losses else "" for direction in DIRECTIONS),
               *(perplexities.get(direction, "") for direction in DIRECTIONS),
               f"{learning_rate:.6g}", f"{place.seconds:.2f}"]
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(",".join(row) + "\n")
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror}") from error


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a metrics.csv, without a last line that was cut short. Raises UserError for any other file."""
    try:
        whole, end, _ = read_regular_text(path, LARGEST).rpartition("\n")
        reader = csv.DictReader((whole + end).splitlines())
        rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if (tuple(reader.fieldnames or ()) != COLUMNS or not all(map(_is_row, rows))
            or len({tuple(directions_of(row)) for row in rows}) > 1):
        raise UserError(f"{path} is not a metrics.csv of elmo_np: expected the columns {', '.join(COLUMNS)}")
    return rows


def best_validation(rows: Iterable[dict[str, str]]) -> dict[str, str] | None:
    """The validation row with the lowest loss of all directions, that of the model kept; None without validations."""
    valid = (row for row in rows if row["split"] == "valid")
    return min(valid, key=lambda row: sum(float(row[f"{direction}_loss"]) for direction in directions_of(row)),
               default=None)


def directions_of(row: Mapping[str, str]) -> list[str]:
    """The directions that a row has."""
    return [direction for direction in DIRECTIONS if row[f"{direction}_loss"]]


def training_loss(rows: Iterable[dict[str, str]], epoch: int) -> Loss | None:
    """The mean training loss of an epoch, with dropout; None for a sampled softmax, and without rows."""
    found = [row for row in rows if row["split"] == "train" and int(row["epoch"]) == epoch]
    tokens = [int(row["tokens"]) for row in found]
    if not sum(tokens):
        return None
    means = {direction: sum(n * float(row[f"{direction}_loss"]) for n, row in zip(tokens, found, strict=True))
             / sum(tokens) for direction in directions_of(found[0])}
    return Loss(**from_directions(means))


def _is_row(row: dict[str, str]) -> bool:
    try:
        return (len(row) == len(COLUMNS) and row["split"] in ("train", "sampled", "valid")
                and all(0 <= int(row[name]) < 2**63 for name in ("epoch", "step", "tokens"))
                and directions_of(row) != [] and all(_is_value(row, name) for name in COLUMNS[4:]))
    except (TypeError, ValueError):
        return False


def _is_value(row: dict[str, str], name: str) -> bool:
    sampled = row["split"] == "sampled"
    lacks = [direction for direction in DIRECTIONS if direction not in directions_of(row)]
    if name.startswith(tuple(lacks)):
        return row[name] == ""
    if name.endswith("_perplexity") and (sampled or row[name] == ""):
        return row[name] == "" and (sampled or float(row[name.replace("perplexity", "loss")]) > PERPLEXITY_LIMIT)
    return 0 <= float(row[name]) < math.inf
