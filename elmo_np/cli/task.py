"""`elmo-np task NAME ACTION`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from ..errors import UserError
from ..runtime.files import atomic_write_text
from ..tasks.data.files import Data, Examples
from ..tasks.experiments import compare, workflow
from ..tasks.experiments.folder import TaskDirectory, new_folder
from ..tasks.experiments.registry import APPLICATIONS
from ..tasks.experiments.task_base import TaskSpec
from ..tasks.experiments.task_bilm import BilmSpec, bilm_of
from ..tasks.models.config import TaskConfig, overridden
from .common import Add

ABOUT = "use the vectors: classify sentences, tag words, tell senses, translate"
ACTIONS = {"train": "train a task model, and say how it does on test data",
           "compare": "the same task from static vectors, each layer and the mix, over several seeds or in folds",
           "evaluate": "how a task model does on labelled data",
           "predict": "label new text, or translate it"}


EXAMPLES = """each NAME has the actions train, compare, evaluate and predict, for example:
  elmo-np task classify train --out topics           built-in data: nothing else is needed
  elmo-np task classify predict topics new.txt
  elmo-np task tag train train.conll --test test.conll --bilm run --out names
  elmo-np task senses compare --out senses           what static vectors, each layer and the mix come to
elmo-np task NAME ACTION --help has the columns of files and the settings"""


def subcommands(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    names = parser.add_subparsers(dest="task", required=True, metavar="NAME")
    for name, app in APPLICATIONS.items():
        made = names.add_parser(name, help=app.about, description=app.about)
        actions = made.add_subparsers(dest="action", required=True, metavar="ACTION")
        for action, about in ACTIONS.items():
            one = actions.add_parser(action, help=about, description=about, epilog=_settings(app, action),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
            _arguments(one.add_argument, app, action)


def _settings(app: TaskSpec, action: str) -> str | None:
    """The settings with their meaning, for --help."""
    if action not in ("train", "compare"):
        return None
    rows = [f"  {field.name + ' = ' + str(getattr(app.defaults, field.name)).lower():24} {field.metadata['doc']}"
            for field in dataclasses.fields(TaskConfig)]
    return "\n".join(["settings:", *rows])


def _arguments(add: Add, app: TaskSpec, action: str) -> None:
    names = ", ".join(app.built_in)
    more = "".join(f", {kind}" for kind in [*app.more_inputs.values(), *app.joined_inputs.values()])
    if action in ("train", "compare"):
        add("data", nargs="?", default=app.built_in[0], metavar="DATA",
            help=f"{names} (default {app.built_in[0]}), or a file: {app.columns}")
        add("--test", metavar="FILE", help="test on this (default: what the data holds out)")
        add("--valid", metavar="FILE", help="choose the best epoch on this (default: training sentences are held out)")
        add("--bilm", metavar="DIR", help="folder of a biLM (default: train one on the data's own text)")
        add("--fine-tune", type=int, default=0, metavar="N",
            help="first let that biLM go on learning from the data's own text, for N epochs (default 0)")
        add("--out", required=True, metavar="DIR", help="folder to write")
        add("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting, see below; may be repeated")
        add("--seed", type=int, metavar="N", help="short for --set seed=N")
        add("--tokenize", action="store_true", help="the sentences are raw text: split them")
        add("--quiet", action="store_true", help="no progress")
    else:
        add("dir", metavar="DIR", help="folder of a task model")
        what = f"{names}, or a file: {app.columns}" if action == "evaluate" else app.input
        add("data", metavar="DATA", help=what)
        add("--bilm", metavar="DIR", help="the biLM of the model, if it is no longer where it was")
    if action == "train":
        add("--input", metavar="KIND", help="short for --set input=KIND: mix, vector, static, top, or a layer's "
                                              "number" + more)
    if action == "compare":
        add("--seeds", type=int, metavar="N", help="how many seeds, from --seed on (default 3)")
        add("--folds", type=int, metavar="K", help="in place of one test and several seeds: test each of K parts with "
                                                   "what the others have taught, each with a biLM of its own if --bilm "
                                                   "gives none or with --fine-tune")
        add("--inputs", nargs="+", default=[], metavar="KIND", help="compare these alone: static, a layer's number, "
                                                                    "mix, word2vec (needs gensim)" + more)
    if action in ("evaluate", "predict"):
        add("--out", metavar="FILE", help="a picture, .png or .svg" if action == "evaluate" else "write here")


def run(args: argparse.Namespace) -> int:
    app = APPLICATIONS[args.task]
    if args.action in ("train", "compare"):
        return _learn(args, app)
    if args.out and Path(args.out).exists():
        raise UserError(f"{args.out} exists already: give another --out, or remove it")
    folder = TaskDirectory(Path(args.dir))
    elmo = bilm_of(folder, args.bilm, app.name)
    model = app.load(str(folder.model), elmo)
    if args.action == "evaluate":
        test = app.fitting(app.labelled(args.data, model.tokenize, model.config.seed), model.config)
        print("\n".join(workflow.report(app, model, test, Path(args.out) if args.out else None)))
        return 0
    examples = app.unlabelled(args.data, model.tokenize)
    lines = app.lines(model, examples, app.predict(model, examples))
    if args.out:
        atomic_write_text(args.out, "\n".join([*lines, ""]))
        print(f"{args.out}: {len(examples.sentences):,} sentences")
    else:
        print("\n".join(lines))
    return 0


def _learn(args: argparse.Namespace, app: TaskSpec) -> int:
    direct = {"input": getattr(args, "input", None), "seed": args.seed}
    config = overridden(app.defaults, args.set)
    config = dataclasses.replace(config, **{key: value for key, value in direct.items() if value is not None})
    source = BilmSpec(args.bilm, args.fine_tune)
    source.check()
    folds = _folds(args, app, config)
    data = None if folds else _fitting(app, app.data(args.data, args.test, args.tokenize, config.seed), config)
    valid: Examples | None = app.fitting(app.read(args.valid, (data or folds[0]).raw), config) if args.valid else None
    folder = new_folder(args.out)
    if args.action == "train":
        assert data
        lines = workflow.train(app, data, valid, config, folder, source, args.quiet)
        lines.append(f"{folder.path}: try elmo-np task {app.name} predict {folder.path} FILE")
    else:
        rounds = compare.of_folds(folds, folder, config.seed) if data is None else \
            compare.of_seeds(data, folder, config.seed, 3 if args.seeds is None else args.seeds)
        lines = compare.compare(app, rounds, valid, config, folder, source, args.inputs, args.quiet)
        lines.append(f"{folder.path}: report.txt, results.csv, comparison.png")
    print("\n".join(lines))
    return 0


def _fitting(app: TaskSpec, data: Data, config: TaskConfig) -> Data:
    return data._replace(train=app.fitting(data.train, config), test=app.fitting(data.test, config))


def _folds(args: argparse.Namespace, app: TaskSpec, config: TaskConfig) -> list[Data]:
    """What --folds asks for; nothing without it. Raises UserError for what does not go with it."""
    folds: int | None = getattr(args, "folds", None)
    if folds is None:
        return []
    for name, value in ("--test", args.test), ("--seeds", args.seeds):
        if value is not None:
            raise UserError(f"{name} does not go with --folds: every fold is the test once, with a seed of its own; "
                            "leave one of them out")
    return [_fitting(app, data, config) for data in app.folds(args.data, folds, args.tokenize, config.seed)]
