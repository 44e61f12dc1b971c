"""The non-regularised LSTM of Zaremba et al. 2014 on Penn Treebank, in both directions: 13 epochs, then the test set.

    python benchmarks/zaremba.py FOLDER --out RUN [--resume] [--seed N]

FOLDER holds ptb.train.txt, ptb.valid.txt and ptb.test.txt. Preset `small`; the model that is tested is the best on
validation, and the test set is read once, at the end. Prints a table and draws the curve in results/ next to this file.
Source: table 1 of arXiv 1409.2329, "non-regularized LSTM": validation 120.7, test 114.5, forward only.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from machine import describe
from penn_treebank import texts

from elmo_np import train
from elmo_np.cli.main import Parser, guarded
from elmo_np.config.toml_files import preset, replaced
from elmo_np.data.corpus import open_corpus
from elmo_np.inference.evaluate import Evaluation, evaluate
from elmo_np.runtime.progress import duration
from elmo_np.training.metrics import read
from elmo_np.viz.plots import save, training_curves

RESULTS = Path(__file__).parent / "results"
PAPER = 114.5           # test perplexity, forward


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="zaremba.py", description="Zaremba et al. 2014, non-regularised, in both directions.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="with ptb.train.txt, ptb.valid.txt, ptb.test.txt")
    parser.add_argument("--out", metavar="RUN", required=True, help="directory of the run")
    parser.add_argument("--resume", action="store_true", help="continue the run in RUN where it stopped")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all random numbers (default 0)")
    parser.add_argument("--epochs", type=int, default=None, metavar="N", help="fewer than the recipe's 13, for a test")
    args = parser.parse_args(argv)
    given = texts(args.folder)
    settings = replaced(preset("small"), seed=args.seed)
    if args.epochs is not None:
        settings = replaced(settings, epochs=args.epochs)
    elmo = train(str(given["train"]), args.out, valid=str(given["valid"]), settings=settings, resume=args.resume)
    tested = evaluate(elmo.model, elmo.vocabulary, open_corpus(str(given["test"])), state="carry")
    report(Path(args.out), tested, args.seed)


def report(folder: Path, tested: Evaluation, seed: int) -> None:
    """The table on stdout, the curve in results/zaremba.svg."""
    curve = read(folder / "metrics.csv")
    rows = [row for row in curve if row["split"] == "valid"]
    lines = [f"{describe('')}; seed {seed}", "", "| epoch | learning rate | validation, forward | backward | time |",
             "|---:|---:|---:|---:|---:|"]
    lines += [f"| {row['epoch']} | {float(row['learning_rate']):.4g} | {float(row['forward_perplexity']):.2f} "
              f"| {float(row['backward_perplexity']):.2f} | {duration(float(row['seconds']))} |" for row in rows]
    lines += ["", f"Test perplexity: forward {tested.forward:.2f} (paper {PAPER}), backward {tested.backward:.2f}, "
              f"{tested.targets:,} targets in each direction."]
    print("\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    save(training_curves(curve), RESULTS / "zaremba.svg")


def main(argv: Sequence[str] | None = None) -> int:
    """Run it and return the exit code: 2 for a user error, 130 if it was interrupted."""
    return guarded("zaremba.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
