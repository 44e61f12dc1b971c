"""What each regulariser brings on Penn Treebank: one row for each, left out of a recipe that has them all.

    python benchmarks/ablation.py FOLDER --out DIR [--seeds 0 1 2] [--only nothing everything ..] [--epochs N]

FOLDER holds ptb.train.txt, ptb.valid.txt and ptb.test.txt. The recipe is preset `small`, tied, with the regularisers of
AWD-LSTM at rates for 200 cells, none of them tuned. Every row trains one model per seed, 13 epochs each, some 20
minutes on two cores; the model that is tested is the best on validation. A run that was stopped goes on where it was,
and what is in DIR already is not trained again. Prints a table, and writes it and a picture to DIR.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from penn_treebank import texts
from report import markdown

from elmo_np import train
from elmo_np.cli.main import Parser, guarded
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import preset, replaced
from elmo_np.data.corpus import open_corpus
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import evaluate
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.files import atomic_write_text
from elmo_np.viz import plots

BASE: dict[str, object] = {"tie": True, "steps": 35, "epochs": 13, "decay_after": 6, "decay": 0.7}
DROPOUT: dict[str, object] = {"dropout": 0.2, "input_dropout": 0.2, "output_dropout": 0.3}
REGULARISERS: dict[str, dict[str, object]] = {
    "dropout": DROPOUT, "locking": {"locked_dropout": True}, "embedding dropout": {"embedding_dropout": 0.05},
    "weight drop": {"weight_drop": 0.2}, "AR and TAR": {"ar": 1.0, "tar": 0.5}, "weight decay": {"weight_decay": 3e-5},
    "random steps": {"random_steps": True}, "average": {"average": "ema"}}
ROWS = {"nothing": [], "dropout alone": ["dropout"], "everything": list(REGULARISERS),
        **{f"without {name}": [other for other in REGULARISERS if other != name] for name in REGULARISERS}}


def settings_of(row: str, seed: int, epochs: int) -> Settings:
    """The settings of a row of the table."""
    values = {**BASE, "epochs": epochs, "seed": seed}
    for name in ROWS[row]:
        values |= REGULARISERS[name]
    return replaced(preset("small"), **values)


def perplexities(given: Mapping[str, Path], folder: Path, settings: Settings) -> dict[str, float]:
    """Of the best model of a run on validation and test text, mean of both directions' losses; trained if need be."""
    elmo = train(str(given["train"]), folder, valid=str(given["valid"]), settings=settings,
                 resume=RunDirectory(folder).resumable())
    return {part: evaluate(elmo.model, elmo.vocabulary, open_corpus(str(given[part])), state="carry").geometric_mean
            for part in ("valid", "test")}


def table(found: Mapping[str, Sequence[Mapping[str, float]]], out: Path) -> str:
    """Mean and range over the seeds of each row that is there, as Markdown; writes it and its picture."""
    columns: dict[str, list[str]] = {"row": list(found)}
    means: dict[str, list[float]] = {"validation": [], "test": []}
    for title, part in (("validation", "valid"), ("test", "test")):
        values = [[one[part] for one in runs] for runs in found.values()]
        means[title] = [mean(row) for row in values]
        columns[title] = [f"{mean(row):.1f}" for row in values]
        columns[f"{title}, range"] = [f"{min(row):.1f} to {max(row):.1f}" if len(row) > 1 else "" for row in values]
    text = markdown(columns)
    atomic_write_text(out / "ablation.md", text + "\n")
    plots.save(plots.bars(list(found), means, title="What a model loses with each regulariser", ylabel="perplexity"),
               out / "ablation.svg")
    return text


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="ablation.py", description="What each regulariser brings on Penn Treebank.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="with ptb.train.txt, ptb.valid.txt, ptb.test.txt")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the runs and the table go")
    parser.add_argument("--seeds", metavar="N", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    parser.add_argument("--only", metavar="ROW", nargs="+", choices=list(ROWS), default=list(ROWS),
                        help=f"rows: {', '.join(ROWS)}")
    parser.add_argument("--epochs", metavar="N", type=int, default=BASE["epochs"], help="default: 13")
    args = parser.parse_args(argv)
    if len({*args.seeds}) < len(args.seeds):
        raise UserError(f"--seeds {' '.join(map(str, args.seeds))}: expected each seed once")
    given = texts(args.folder)
    args.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, float]]] = {row: [] for row in args.only}
    for seed in args.seeds:         # one seed of all rows first: there is a table early
        for row in args.only:
            folder = args.out / f"{row.replace(' ', '-')}-{seed}"
            found[row].append(perplexities(given, folder, settings_of(row, seed, args.epochs)))
            printed = table({name: runs for name, runs in found.items() if runs}, args.out)
    print(printed)


def main(argv: Sequence[str] | None = None) -> int:
    """Run it and return the exit code: 2 for a user error, 130 if it was interrupted."""
    return guarded("ablation.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
