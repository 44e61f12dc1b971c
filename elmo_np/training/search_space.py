"""Which settings a search tries: a setting has several values, and a trial takes one of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..config.schema import FIELDS, TABLE_OF, Settings
from ..config.toml_files import override
from ..errors import UserError

# What is searched unless somebody names something else: factors on the value of the settings, or values.
FACTORS = {"learning_rate": (0.5, 1, 2), "hidden_dim": (1, 1.5, 2)}
VALUES = {"dropout": ("0", "0.15", "0.3", "0.45", "0.6")}
NOT_SEARCHED = {*FIELDS["data"], "direction", "epochs", "eval_every", "save_every", "patience", "seed", "threads"}
MOST = 1000                 # trials
LARGEST_SPACE = 1 << 62     # combinations of values

Space = dict[str, list[str]]        # {setting: its values, as --set takes them}


class Trial(NamedTuple):
    """One of the settings that are tried."""

    number: int                 # counted from 1, which is the settings without a change
    changes: tuple[str, ...]    # key=value
    settings: Settings

    def __str__(self) -> str:
        return " ".join(self.changes) or "no change"


def search_space(base: Settings, given: Sequence[str]) -> Space:
    """FACTORS and VALUES, or what is given instead, such as "dropout=0.1,0.3" or, of a setting that is a list,
    "cutoffs=[2000,9000],none"; values given in two places add up.

    Raises UserError for an unknown setting, and for one in which trials cannot differ.
    """
    if not given:
        own = {key: getattr(getattr(base, TABLE_OF[key]), key) for key in FACTORS}
        return {**{key: [_times(own[key], factor) for factor in factors] for key, factors in FACTORS.items()},
                **{key: list(values) for key, values in VALUES.items()}}
    space: Space = {}
    for one in given:
        first, *more = _parts(one)
        override(base, [first])                     # refuses an unknown setting
        key, _, value = first.partition("=")
        name = key.strip().rpartition(".")[2]
        if name in NOT_SEARCHED:
            raise UserError(f"over={one!r:.60} (--over): expected a setting of the model or of its training, because "
                            "all trials read the same text in the same directions, for as many epochs: leave it out")
        space.setdefault(name, []).extend(text.strip() for text in (value, *more))
    return space


def _parts(text: str) -> list[str]:
    """A text split at its commas, but not at those in brackets."""
    found, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == "," and not depth:
            found.append("")
        else:
            found[-1] += character
    return found


def _times(value: float, factor: float) -> str:
    """A whole number stays one."""
    return str(int(value * factor)) if isinstance(value, int) else f"{value * factor:g}"


def draw_trials(base: Settings, space: Space, number: int) -> list[Trial]:
    """The settings themselves, and others from the space, drawn with their seed; all different.

    There are fewer if the space holds fewer. Raises UserError for a number out of range, for a space that is too large,
    and for a value that is out of its range or does not fit the others.
    """
    if not 2 <= number <= MOST:
        raise UserError(f"trials={number} (--trials): expected 2 to {MOST:,}")
    sizes = [len(values) for values in space.values()]
    combinations = math.prod(sizes)
    if combinations > LARGEST_SPACE:
        raise UserError(f"over={len(sizes)} settings (--over) with up to {max(sizes):,} values: expected at most 2^62 "
                        "combinations: search over fewer")
    rng = np.random.default_rng([base.train.seed, 4])
    found: dict[Settings, tuple[str, ...]] = {base: ()}
    for index in rng.choice(combinations, size=min(number, combinations), replace=False):
        places = np.unravel_index(index, sizes)
        changes = tuple(f"{key}={values[k]}" for (key, values), k in zip(space.items(), places, strict=True))
        found.setdefault(override(base, changes), changes)
    trials = [Trial(k, changes, settings) for k, (settings, changes) in enumerate(found.items(), 1)]
    return trials[:number]
