"""`elmo-np task NAME ACTION`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from ..data.corpus import STDIN, corpus_files
from ..errors import UserError
from ..runtime.files import FORMATS, atomic_write_text
from ..runtime.locks import locked_folder
from ..runtime.progress import Progress
from ..tasks.data.examples import Data, Examples
from ..tasks.data.tables import Columns, parsed_columns
from ..tasks.experiments import compare, workflow
from ..tasks.experiments.registry import TASKS
from ..tasks.experiments.task_base import TaskSpec
from ..tasks.experiments.task_bilm import BilmSpec, Setup, bilm_of
from ..tasks.experiments.task_directory import TaskDirectory, new_directory, stopped_directory
from ..tasks.models.config import TaskConfig, overridden, unread
from ..tasks.models.task_model import TaskModel
from ..tasks.nn.inputs import input_parts
from ..viz import plots
from .common import JSON_LINES, Add, check_directory_name, check_new_file, given_directly, json_text, setting_name, show

ACTIONS = {"train": "train a task model and report its scores on test data",
           "compare": "train and test with static vectors, with each layer and with the mix, over several seeds or in "
                      "folds",
           "evaluate": "the scores of a task model on labelled data",
           "predict": "label new text, or translate it"}

EXAMPLES = """each NAME has the actions train, compare, evaluate and predict, for example:
  elmo-np task classify train --out topics           built-in data: nothing else is needed
  elmo-np task classify predict topics new.txt
  elmo-np task tag train train.conll --test test.conll --bilm run --out names
  elmo-np task senses compare --out senses           scores with static vectors, each layer and the mix
elmo-np task NAME ACTION --help lists the columns of files and the settings"""


def subcommands(parser: argparse.ArgumentParser, words: Collection[str] | None = None) -> None:
    """All tasks, with the actions of those among `words`, by default of all."""
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    names = parser.add_subparsers(dest="task", required=True, metavar="NAME")
    for name, task in TASKS.items():
        own = names.add_parser(name, help=task.about, description=task.about)
        if words is not None and name not in words:
            continue
        actions = own.add_subparsers(dest="action", required=True, metavar="ACTION")
        for action, about in ACTIONS.items():
            one = actions.add_parser(action, help=about, description=about, epilog=_settings(task, action),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
            _arguments(one.add_argument, task, action)
            one.set_defaults(go_on=" with --resume" if action == "train" else "")


def _settings(task: TaskSpec, action: str) -> str | None:
    """The settings with their meaning, for --help."""
    if action not in ("train", "compare"):
        return None
    rows = [f"  {field.name + ' = ' + str(getattr(task.defaults, field.name)).lower():24} {field.metadata['doc']}"
            for field in dataclasses.fields(TaskConfig)]
    return "\n".join(["settings:", *rows])


def _arguments(add: Add, task: TaskSpec, action: str) -> None:
    names = ", ".join(task.built_in)
    if action in ("train", "compare"):
        _training_arguments(add, task, names)
    else:
        add("dir", metavar="DIR", help="directory of a task model")
        what = f"{names}, or a file: {task.columns}" if action == "evaluate" else task.input
        add("data", metavar="DATA", help=f"{what}; - for standard input")
        add("--bilm", metavar="DIR", help="the biLM of the model, if it has been moved")
        _columns_argument(add, task.roles if action == "evaluate" else task.asked)
        add("--out", metavar="FILE",
            help="a figure of the results, .png or .svg" if action == "evaluate" else
            "write to this new file; - for standard output")
    add("--json", action="store_true",
        help="print one JSON object per line of the input" if action == "predict" else "print JSON")
    if action == "predict" and task.has_probabilities:
        add("--probabilities", action="store_true", help="print the probability of each label as well")
    others = [*task.more_inputs.values(), *task.joined_inputs.values(), *task.on_request.values()]
    more = "".join(f", {kind}" for kind in others)
    if action == "train":
        add("--resume", action="store_true", help="continue the training in DIR where it stopped; the data and options "
                                                  "are to be the same")
        add("--input", metavar="KIND",
            help=f"short for --set input=KIND: mix, vector, static, top, or a layer (0, 1, ..){more}")
    if action == "compare":
        add("--seeds", type=int, metavar="N", help="number of seeds, from --seed on (default 3)")
        add("--folds", type=int, metavar="K",
            help="instead of one test set and several seeds: test each of K parts with models trained on the others, "
                 "each with its own biLM if --bilm is not given or with --fine-tune")
        add("--inputs", nargs="+", default=[], metavar="KIND",
            help=f"compare only these: static, a layer (1, 2, ..), mix, word2vec (needs gensim){more}")


def _columns_argument(add: Add, roles: Iterable[str]) -> None:
    add("--columns", metavar=",".join(f"{role}=N" for role in roles),
        help="the columns of a file: numbers from 1, or names in its header row")


def _training_arguments(add: Add, task: TaskSpec, names: str) -> None:
    add("data", nargs="?", default=task.built_in[0], metavar="DATA",
        help=f"{names} (default {task.built_in[0]}), or a file: {task.columns}")
    add("--test", metavar="FILE", help="test on this file (default: the test part of the data)")
    add("--valid", metavar="FILE", help="choose the best epoch on this file (default: held-out training sentences)")
    _columns_argument(add, task.roles)
    add("--bilm", metavar="DIR", help="directory of a biLM (default: train one on the text of the data, if the input "
        "reads one)")
    add("--fine-tune", type=int, default=0, metavar="N",
        help="first fine-tune that biLM on the text of the data, for N epochs (default 0)")
    add("--out", required=True, metavar="DIR", help="directory to write")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting (see below); may be repeated")
    add("--seed", type=int, metavar="N", help="short for --set seed=N")
    add("--tokenize", action="store_true", help="the sentences are raw text: split them")
    add("--quiet", action="store_true", help="do not show progress")


def run(args: argparse.Namespace) -> int:
    task = TASKS[args.task]
    if args.data == STDIN:
        args.data = str(corpus_files(STDIN)[0])
    if args.action in ("train", "compare"):
        check_directory_name(args.out)
        with locked_folder(Path(args.out)):
            return _learn(args, task)
    if args.out is not None:
        _check_out(args)
    directory = TaskDirectory(Path(args.dir))
    elmo = bilm_of(directory, args.bilm, task.name)
    model = task.load(str(directory.model), elmo)
    if args.action == "evaluate":
        _check_reading(args, task)
        columns = parsed_columns(args.columns, task.roles)
        test = task.fitting(task.labelled(args.data, model.tokenize, model.config.seed, columns), model.config)
        _print(workflow.evaluate(task, model, test, Path(args.out) if args.out else None), args.json)
        return 0
    examples = task.unlabelled(args.data, model.tokenize, parsed_columns(args.columns, task.asked))
    for line in model.coverage(examples.texts()):
        Progress().say(line)
    lines = list(_predicted(task, model, examples, args.json, getattr(args, "probabilities", False)))
    if args.out:
        atomic_write_text(args.out, "\n".join([*lines, ""]))
        count = sum(map(bool, examples.sentences))
        show(args, args.out, f"{args.out}: {count:,} {task.items}", {"out": args.out, task.items: count})
    else:
        print("\n".join(lines))
    return 0


def _check_out(args: argparse.Namespace) -> None:
    """Raise UserError for a file that `evaluate` or `predict` cannot write."""
    if args.action == "evaluate":
        plots.check_target(args.out)
    elif args.json:
        check_new_file("--out", args.out, JSON_LINES)
    else:
        check_new_file("--out", args.out, (".tsv", ".txt"), FORMATS)


def _predicted(task: TaskSpec, model: TaskModel, examples: Examples, as_json: bool,
               probabilities: bool) -> Iterator[str]:
    """What is printed for each line of the input; a blank line for a blank line."""
    filled = [k for k, sentence in enumerate(examples.sentences) if sentence]
    some = examples.some(filled)
    p: list[list[dict[str, float]]] = task.probabilities(model, some) if probabilities else [[] for _ in filled]
    found = dict(zip(filled, zip(task.predict(model, some), p, strict=True), strict=True))
    for k, (sentence, asked) in enumerate(zip(*examples, strict=True)):
        predicted, own = found.get(k, (None, []))
        if as_json:
            more = {"probabilities": own if task.by_word else own[0] if own else None} if probabilities else {}
            yield json_text({**task.record(sentence, asked, predicted), **more})
        elif k in found:
            lines = task.lines(model, examples.some([k]), [predicted])
            for line, row in zip(lines, [*own, *[{}] * (len(lines) - len(own))], strict=True):
                yield "\t".join([line, *(f"{label}={value:.4f}" for label, value in row.items())])
        else:
            yield ""


def _print(found: workflow.Report, as_json: bool, more: Sequence[str] = ()) -> None:
    print(json_text(found.values, indent=2) if as_json else "\n".join([*found.lines, *more]))


def _learn(args: argparse.Namespace, task: TaskSpec) -> int:
    given = {"input": getattr(args, "input", None), "seed": args.seed}
    config = overridden(task.defaults, args.set)
    config = dataclasses.replace(config, **{key: value for key, value in given.items() if value is not None})
    if args.action == "compare":
        _check_compared(task, config)
    bilm = BilmSpec(args.bilm, args.fine_tune)
    bilm.check()
    configs = _configs(args, task, config, bilm)
    inputs = list(dict.fromkeys(own.input for own in configs))
    bilm = bilm._replace(read=any(input_parts(kind).bilm for kind in inputs))
    if args.fine_tune and not bilm.read:
        raise UserError(f"--fine-tune {args.fine_tune} does not go with the input {', '.join(inputs)}, which reads no "
                        "biLM: leave it out")
    _check_reading(args, task)
    columns = parsed_columns(args.columns, task.roles)
    folds = _folds(args, task, config, columns)
    data = None if folds else _fitting(task, task.data(args.data, args.test, args.tokenize, config.seed, columns),
                                              config)
    valid: Examples | None = None
    if args.valid:
        valid = task.fitting(task.read(args.valid, (data or folds[0]).raw, columns), config)
    figure = task.name if args.action == "train" else compare.FIGURE
    resume = getattr(args, "resume", False)
    directory = TaskDirectory(Path(args.out))
    if resume and data and directory.ended():
        found = workflow.again(task, data, Setup(config, directory, bilm))
        Progress(quiet=args.quiet).say(f"{args.out}: this training has ended; to train another, give another --out")
        _print(found, args.json)
        return 0
    directory = stopped_directory(args.out, figure) if resume else new_directory(args.out, figure)
    _say_unread(args, task, configs)
    setup = Setup(config, directory, bilm, args.quiet)
    path = setup.directory.path
    if args.action == "train":
        assert data
        _print(workflow.train(task, data, valid, setup), args.json,
               [f"{path}: try elmo-np task {task.name} predict {path} FILE"])
    else:
        rounds = compare.of_folds(folds, setup.directory, config.seed) if data is None else \
            compare.of_seeds(data, setup.directory, config.seed, 3 if args.seeds is None else args.seeds)
        _print(compare.compare(task, rounds, valid, setup, args.inputs), args.json,
               [f"{path}: report.txt, results.csv, comparison.png"])
    return 0


def _check_compared(task: TaskSpec, config: TaskConfig) -> None:
    """Raise UserError for a setting of which `compare` tries several values itself."""
    varied = dict.fromkeys(["input", *(name for changes in task.methods.values() for name in changes)])
    for name in varied:
        value = getattr(config, name)
        if value != getattr(task.defaults, name):
            instead = "; choose with --inputs" if name == "input" else ""
            raise UserError(f"{name} = {value} does not go with compare, which tries more than one {name}: leave it "
                            f"out{instead}")


def _configs(args: argparse.Namespace, task: TaskSpec, config: TaskConfig, bilm: BilmSpec) -> list[TaskConfig]:
    """The settings of the models that are trained: of one, or, to compare, of each input and method."""
    if args.action == "train":
        return [config]
    kinds = args.inputs or compare.wanted_kinds(task, bilm.layers(), [])
    return [dataclasses.replace(config, input=kind, **changes) for kind in kinds for changes in task.methods.values()]


def _say_unread(args: argparse.Namespace, task: TaskSpec, configs: Sequence[TaskConfig]) -> None:
    """Say what of the command line changes nothing in any of the models."""
    progress = Progress(quiet=args.quiet)
    idle = set.intersection(*(unread(own, task.name) for own in configs))
    inputs = list(dict.fromkeys(own.input for own in configs))
    which = f"the task {task.name} with input = {', '.join(inputs)}"
    names = dict.fromkeys(map(setting_name, args.set))
    why = dict.fromkeys(idle, f"{which} does not read it") | given_directly(args)
    for name in names:
        if name in why:
            progress.say(f"note: --set {name} changes nothing: {why[name]}")
    if args.valid and "held_out" in names:
        progress.say(f"note: --set held_out changes nothing: --valid {args.valid} is validated on")
    # A learnt embedding is as wide as the biLM's layer 0.
    if args.bilm and not any(own.bilm or own.learnt for own in map(input_parts, inputs)):
        progress.say(f"note: --bilm {args.bilm} changes nothing: {which} does not read it")


def _check_reading(args: argparse.Namespace, task: TaskSpec) -> None:
    """Raise UserError for options about the text of a file where no file is read."""
    if args.data not in task.built_in:
        return
    if getattr(args, "tokenize", False):
        raise UserError(f"--tokenize does not go with {args.data}, whose words are split already: leave it out")
    files = [name for name in ("test", "valid") if getattr(args, name, None)]
    if args.columns and not files:
        raise UserError(f"--columns {args.columns} does not go with {args.data}, which is not a file: leave it out")


def _fitting(task: TaskSpec, data: Data, config: TaskConfig) -> Data:
    return data._replace(train=task.fitting(data.train, config), test=task.fitting(data.test, config))


def _folds(args: argparse.Namespace, task: TaskSpec, config: TaskConfig, columns: Columns) -> list[Data]:
    """The data of each fold for --folds; nothing without it. Raises UserError for an option that excludes it."""
    folds: int | None = getattr(args, "folds", None)
    if folds is None:
        return []
    for name, value in ("--test", args.test), ("--seeds", args.seeds):
        if value is not None:
            raise UserError(f"{name} does not go with --folds: every fold is the test once, with its own seed; leave "
                            "one of them out")
    return [_fitting(task, data, config) for data in task.folds(args.data, folds, args.tokenize, config.seed,
                                                            columns)]
