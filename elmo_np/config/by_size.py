"""Which preset suits a text of how many tokens: what `elmo-np train` chooses where nobody names one.

benchmarks/corpus_sizes.py measures presets and dropouts on texts of each class; to correct a choice, change its row of
CHOICES. A row may name any setting, as `--set` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from .schema import Settings
from .toml_files import override, preset

AUTO = "auto"       # instead of the name of a preset: choose by the number of tokens


class Choice(NamedTuple):
    """A class of texts, and the settings for it."""

    below: float                # tokens; the row applies to texts shorter than that
    preset: str
    changes: tuple[str, ...]    # key=value
    why: str

    def settings(self) -> Settings:
        """The preset with the changes."""
        return override(preset(self.preset), self.changes)

    def options(self) -> list[str]:
        """The options of `elmo-np train` that give the same settings."""
        return ["--preset", self.preset, *(word for change in self.changes for word in ("--set", change))]

    def note(self, tokens: int) -> str:
        """What is chosen for a text of so many tokens, and why."""
        size = f"{tokens:,} tokens" if tokens < CHOICES[-2].below else f"more than {CHOICES[-2].below:,.0f} tokens"
        return (f"settings for a text of {size}: {' '.join(self.options())}: {self.why} (another preset: --preset "
                "NAME)")


# The classes of 0.1, 0.5, 1, 5 and 50 million tokens; they meet about halfway, as ratios.
CHOICES = (
    Choice(200_000, "small", ("dropout=0.5", "softmax=adaptive", "min_count=2"),
           "so short a text is soon learnt by heart, which strong dropout delays; 13 epochs take minutes"),
    Choice(700_000, "small", ("dropout=0.3", "softmax=adaptive", "min_count=2"),
           "without dropout it overfits after three epochs, with it all epochs help"),
    Choice(2_000_000, "fast", ("min_count=2",),
           "dropout still pays, and six epochs take minutes"),
    Choice(15_000_000, "fast", ("dropout=0.1", "min_count=2"),
           "a little dropout helps from the third epoch on"),
    Choice(float("inf"), "fast", ("dropout=0.0", "epochs=3", "min_count=5"),
           "not measured; such a text should be too long to be learnt by heart; three epochs take hours"),
)


def choice_for(tokens: int) -> Choice:
    """The first row for texts of so many tokens."""
    return next(choice for choice in CHOICES if tokens < choice.below)


def count_tokens(corpus: Iterable[Sequence[str]]) -> int:
    """The number of words of a corpus, read no further than the choice may depend on it."""
    total = 0
    for total in accumulate(map(len, corpus)):
        if total >= CHOICES[-2].below:
            break
    return total
