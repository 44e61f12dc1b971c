"""Which preset and dropout suit a text of 0.1, 0.5, 1 or 5 million tokens: the table of the guide, measured.

    python benchmarks/corpus_sizes.py --out FOLDER [--sizes 0.1 0.5 ..]

The text is dealt from six corpora of NLTK (MASC, Brown, movie reviews, ABC, web text, State of the Union), a document
at a time in random order; 60,000 tokens to validate on come first, so that all sizes are judged on the same sentences.
Each model keeps the vocabulary of its own text, so perplexities compare along a row of the table, not down a column.
The models read forward only, which is half the work and shows the same. What is in FOLDER already is not trained again.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import open_text
from report import markdown

from elmo_np.cli.main import Parser, guarded
from elmo_np.cli.main import main as elmo_np
from elmo_np.errors import UserError
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.files import atomic_write_text
from elmo_np.training import metrics

SIZES = (0.1, 0.5, 1, 5)    # million tokens


class Recipe(NamedTuple):
    """A column of the table: a preset with changes, for texts of some sizes."""

    name: str
    preset: str
    changes: tuple[str, ...]    # key=value
    smallest: float             # million tokens
    largest: float              # million tokens: beyond it the recipe takes hours

    def suits(self, size: float) -> bool:
        return self.smallest <= size <= self.largest


SHORT = ("epochs=2", "decay_after=1")       # for five million tokens, of which six epochs take hours
RECIPES = (Recipe("fast, dropout 0", "fast", ("dropout=0.0",), 0, 1), Recipe("fast", "fast", (), 0, 1),
           Recipe("small, dropout 0.3", "small", ("dropout=0.3", "softmax=adaptive"), 0, 0.5),
           Recipe("small, dropout 0.5", "small", ("dropout=0.5", "softmax=adaptive"), 0, 0.1),
           Recipe("fast, dropout 0, 2 epochs", "fast", ("dropout=0.0", *SHORT), 5, 5),
           Recipe("fast, 2 epochs", "fast", SHORT, 5, 5))


def texts(out: Path, sizes: Sequence[float]) -> None:
    """Write valid.txt and a text of each size, unless they are there."""
    if all((out / f"{size}.txt").exists() for size in sizes):
        return
    documents = [document for source in open_text.NLTK for document in source.read()]
    random.Random(0).shuffle(documents)
    valid = open_text.deal(documents, open_text.VALIDATION / 1e6)
    atomic_write_text(out / "valid.txt", "\n".join([*valid, ""]))
    held = set(valid)
    rest = [[line for line in document if line not in held] for document in documents]
    for size in sizes:
        atomic_write_text(out / f"{size}.txt", "\n".join([*open_text.deal(rest, size), ""]))


def trained(out: Path, size: float, recipe: Recipe) -> str:
    """'perplexity (epoch)' of the best model. Trains it unless it is there."""
    folder = out / f"{size} {recipe.name}"
    again = ["--resume"] if RunDirectory(folder).resumable() else []
    changes = ("direction=forward", "min_count=2", *recipe.changes)
    status = elmo_np(["train", str(out / f"{size}.txt"), "--valid", str(out / "valid.txt"), "--out", str(folder),
                      "--preset", recipe.preset, *(part for one in changes for part in ("--set", one)), *again])
    if status:
        raise UserError(f"training stopped in {folder}: run the same command again to go on")
    rows = metrics.read(folder / "metrics.csv")
    best = metrics.best_validation(rows)
    epochs = sum(row["split"] == "valid" for row in rows)
    return f"{best['forward_perplexity']} ({best['epoch']} of {epochs})"


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="corpus_sizes.py", description="Measure which preset and dropout suit which size of text.")
    parser.add_argument("--out", metavar="FOLDER", type=Path, required=True, help="where texts, runs and the table go")
    parser.add_argument("--sizes", metavar="MILLION", type=float, nargs="+", default=SIZES, help="million tokens")
    args = parser.parse_args(argv)
    for size in args.sizes:
        if not (size > 0 and any(recipe.suits(size) for recipe in RECIPES)):
            raise UserError(f"--sizes {size:g}: expected million tokens for which there is a recipe: up to 1, or 5")
    sizes = [int(size) if size == int(size) else size for size in args.sizes]
    args.out.mkdir(parents=True, exist_ok=True)
    texts(args.out, sizes)
    columns: dict[str, list[str]] = {"million tokens": [], **{recipe.name: [] for recipe in RECIPES}}
    for size in sizes:
        columns["million tokens"].append(str(size))
        for recipe in RECIPES:
            columns[recipe.name].append(trained(args.out, size, recipe) if recipe.suits(size) else "")
        atomic_write_text(args.out / "corpus_sizes.md", markdown(columns))
    print(markdown(columns))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and return the exit code, 2 for a user error."""
    return guarded("corpus_sizes.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
