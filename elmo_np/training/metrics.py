"""metrics.csv: the curve of a training, a row at a time."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..inference.evaluate import Evaluation
from ..runtime.files import atomic_write_text

if TYPE_CHECKING:
    from .checkpointing import TrainingState

# split: "train", the mean since the row before; "sampled", the same of a sampled softmax, whose loss has no perplexity;
# "valid", at an epoch's end, over all words. Losses in nats a token; seconds of training since the program began.
COLUMNS = ("split", "epoch", "step", "tokens", "forward_loss", "backward_loss", "forward_perplexity",
           "backward_perplexity", "learning_rate", "seconds")


class Metrics:
    """Rows are appended as they come, so that a run can be watched, and cut back when it goes on from before them."""

    def __init__(self, path: Path):
        self.path = path

    def start(self) -> None:
        atomic_write_text(self.path, ",".join(COLUMNS) + "\n")

    def resume(self, place: TrainingState) -> None:
        """Drop the rows that come after `place`: they are going to be written again."""
        rows = read(self.path) if self.path.exists() else []
        # What `place` has summed up is still to be written, and so is the validation of its epoch.
        end = (place.epoch, place.step if place.tokens else place.step + 1)
        kept = [row for row in rows if (int(row["epoch"]), int(row["step"])) < end
                and (row["split"] != "valid" or int(row["epoch"]) < place.epoch)]
        atomic_write_text(self.path, "\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in kept), ""]))

    def train(self, place: TrainingState, learning_rate: float, sampled: bool) -> None:
        """The mean loss since the last row."""
        n = place.tokens
        self._add("sampled" if sampled else "train", place, n, place.forward / n, place.backward / n, learning_rate)

    def valid(self, place: TrainingState, found: Evaluation, learning_rate: float) -> None:
        """A validation."""
        n = found.targets
        self._add("valid", place, n, found.forward_nats / n, found.backward_nats / n, learning_rate)

    def _add(self, split: str, place: TrainingState, tokens: int, forward: float, backward: float,
             learning_rate: float) -> None:
        losses = (forward, backward)
        perplexities = ["" if split == "sampled" else f"{math.exp(min(loss, 700)):.6g}" for loss in losses]
        row = [split, str(place.epoch), str(place.step), str(tokens), *(f"{loss:.6g}" for loss in losses),
               *perplexities, f"{learning_rate:.6g}", f"{place.seconds:.2f}"]
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(",".join(row) + "\n")
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror}") from error


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a metrics.csv; one that was not written to its end is left out. Raises UserError for another file."""
    try:
        whole, end, _ = path.read_text(encoding="utf-8").rpartition("\n")
        reader = csv.DictReader((whole + end).splitlines())
        rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if tuple(reader.fieldnames or ()) != COLUMNS or not all(map(_is_row, rows)):
        raise UserError(f"{path} is no metrics.csv of elmo_np's: expected the columns {', '.join(COLUMNS)}")
    return rows


def best_validation(rows: Iterable[dict[str, str]]) -> dict[str, str] | None:
    """The row of the validation with the lowest loss of both directions, that of the model kept; None without one."""
    valid = (row for row in rows if row["split"] == "valid")
    return min(valid, key=lambda row: float(row["forward_loss"]) + float(row["backward_loss"]), default=None)


def _is_row(row: dict[str, str]) -> bool:
    try:
        blank = ("forward_perplexity", "backward_perplexity") if row["split"] == "sampled" else ()
        return (len(row) == len(COLUMNS) and row["split"] in ("train", "sampled", "valid")
                and min(int(row[name]) for name in ("epoch", "step", "tokens")) >= 0
                and all(row[name] == "" if name in blank else float(row[name]) >= 0 for name in COLUMNS[4:]))
    except (TypeError, ValueError):
        return False
