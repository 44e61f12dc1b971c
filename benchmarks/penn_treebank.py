"""The best forward language model of Penn Treebank that two cores train in 30, 60 or 150 minutes.

    python benchmarks/penn_treebank.py FOLDER --out RUN [--minutes 30] [--seed N]

FOLDER holds ptb.train.txt, ptb.valid.txt and ptb.test.txt. The recipes are AWD-LSTM's regularisers (Merity et al. 2018)
on tied weights, with sizes and epochs for the time on two cores of some 200 GFLOP/s together. The model that is tested
is the best on validation, and the test text is read once, at the end: plainly, with a neural cache, and with dynamic
evaluation, whose settings were found on the first sentences of the validation text. A run that was stopped goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from machine import describe
from report import decimals, markdown

from elmo_np import ELMo, train
from elmo_np.cli.main import Parser, guarded
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import preset, replaced
from elmo_np.data.corpus import open_corpus
from elmo_np.errors import UserError
from elmo_np.inference.dynamic_evaluation import evaluate_dynamically, tune_dynamic
from elmo_np.inference.neural_cache import evaluate_with_cache
from elmo_np.inference.neural_cache import tune as tune_cache
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import duration
from elmo_np.training.metrics import read
from elmo_np.viz.plots import save, training_curves

PARTS = ("train", "valid", "test")
CACHE = 2000            # words
TUNED_ON = 700          # sentences of the validation text
SHARED: dict[str, object] = {
    "direction": "forward", "tie": True, "steps": 35, "locked_dropout": True, "embedding_dropout": 0.05,
    "weight_decay": 3e-5, "random_steps": True}
RECIPES: dict[int, dict[str, object]] = {       # by minutes
    30: {"embedding_dim": 300, "hidden_dim": 300, "dropout": 0.2, "output_dropout": 0.3, "weight_drop": 0.1,
         "epochs": 11, "decay_after": 5, "decay": 0.6},
    60: {"embedding_dim": 400, "hidden_dim": 400, "dropout": 0.3, "output_dropout": 0.4, "weight_drop": 0.2,
         "epochs": 16, "decay_after": 11, "decay": 0.45},
    150: {"embedding_dim": 500, "hidden_dim": 500, "dropout": 0.4, "output_dropout": 0.4, "weight_drop": 0.3,
          "epochs": 29, "decay_after": 23, "decay": 0.45}}
GOALS = {30: 88, 60: 80, 150: 70}


def texts(folder: Path) -> dict[str, Path]:
    """Training, validation and test text. Raises UserError for one that is not there."""
    found = {part: folder / f"ptb.{part}.txt" for part in PARTS}
    for text in found.values():
        if not text.is_file():
            raise UserError(f"{text} not found: expected ptb.train.txt, ptb.valid.txt and ptb.test.txt in FOLDER")
    return found


def settings_for(minutes: int, seed: int) -> Settings:
    return replaced(preset("small"), **SHARED, **RECIPES[minutes], seed=seed)


def tested(elmo: ELMo, texts: dict[str, Path]) -> dict[str, tuple[str, float]]:
    """The settings and the forward test perplexity of each way to evaluate."""
    model, vocabulary = elmo.model, elmo.vocabulary
    test = open_corpus(str(texts["test"]))
    some = list(islice(open_corpus(str(texts["valid"])), TUNED_ON))
    cache = tune_cache(model, vocabulary, some, CACHE)
    rates = tune_dynamic(model, vocabulary, some)
    plain, cached = evaluate_with_cache(model, vocabulary, test, cache)
    dynamic = plain.with_nats(evaluate_dynamically(model, vocabulary, test, rates))
    return {"plain": ("", plain.perplexities["forward"]),
            "neural cache": (f"{CACHE} words, theta {cache.theta:g}, weight {cache.weight:g}",
                             cached.perplexities["forward"]),
            "dynamic evaluation": (f"rate {rates.rate:g}, decay {rates.decay:g}", dynamic.perplexities["forward"])}


def report(folder: Path, found: dict[str, tuple[str, float]], minutes: int, seed: int) -> str:
    """The curve as a table, and the test perplexities with the goal; writes them and a picture to the folder."""
    curve = read(folder / "metrics.csv")
    rows = [row for row in curve if row["split"] == "valid"]
    plain = found["plain"][1]
    learnt = {"epoch": [row["epoch"] for row in rows],
              "learning rate": [f"{float(row['learning_rate']):.3g}" for row in rows],
              "validation": [f"{float(row['forward_perplexity']):.1f}" for row in rows],
              "time": [duration(float(row["seconds"])) for row in rows]}
    reached = {"test": list(found), "settings": [settings for settings, _ in found.values()],
               "perplexity": [f"{value:.1f}" for _, value in found.values()],
               "against plain": ["", *(f"{value / plain - 1:+.1%}" for _, value in list(found.values())[1:])]}
    digits = decimals(plain, lambda value: value <= GOALS[minutes])
    goal = f"Goal for {minutes} minutes: {GOALS[minutes]}, {'met' if plain <= GOALS[minutes] else '**not met**'} " \
        f"({plain:.{digits}f})."
    text = "\n".join([f"{describe('')}; seed {seed}", "", markdown(learnt), "", markdown(reached), "", goal, ""])
    atomic_write_text(folder / "penn_treebank.md", text)
    save(training_curves(curve), folder / "penn_treebank.svg")
    return text


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="penn_treebank.py", description="The best model of Penn Treebank for some minutes.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="with ptb.train.txt, ptb.valid.txt, ptb.test.txt")
    parser.add_argument("--out", metavar="RUN", type=Path, required=True, help="directory of the run")
    parser.add_argument("--minutes", type=int, choices=RECIPES, default=30, help="of two cores (default 30)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all random numbers (default 0)")
    args = parser.parse_args(argv)
    given = texts(args.folder)
    elmo = train(str(given["train"]), args.out, valid=str(given["valid"]),
                 settings=settings_for(args.minutes, args.seed), resume=RunDirectory(args.out).resumable())
    print(report(args.out, tested(elmo, given), args.minutes, args.seed))


def main(argv: Sequence[str] | None = None) -> int:
    """Run it and return the exit code: 2 for a user error, 130 if it was interrupted."""
    return guarded("penn_treebank.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
