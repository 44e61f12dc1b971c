"""Shared by several commands."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import os
from collections.abc import Callable, Collection, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from ..config.by_size import CHOICES, Choice, choice_for, count_tokens
from ..config.schema import FIELDS, Settings
from ..config.toml_files import override, read_toml
from ..config.unread import unread
from ..data.corpus import BUILT_IN, Corpus, joined, open_corpus
from ..data.text_lines import text_lines
from ..errors import UserError
from ..inference.coverage import coverage
from ..inference.elmo import ELMo
from ..io.model_file import read_model
from ..io.run_directory import RunDirectory
from ..io.training_corpus import training_corpus
from ..runtime.files import FORMATS, STDOUT, check_ending
from ..runtime.progress import Progress
from ..runtime.terminal import escaped_json
from ..training.fine_tuning import keeps_vocabulary
from ..training.request import with_corpora, with_tokens

Add = Callable[..., Any]        # argparse's add_argument
SHORT_FORMS = ("epochs", "fine_tune", "input", "seed")      # settings that some commands have an option for
LARGEST_LIST = 1 << 25          # characters of a list of words
TABLES = (".csv", ".tsv", ".txt")               # what files that are written may end in
JSON_LINES = (".jsonl", ".ndjson", ".json", ".txt")
NO_DIRECTORY = {*FORMATS, ".safetensors", ".hdf5", ".h5", ".npz"}


def json_text(value: dict[str, Any], indent: int | None = None) -> str:
    """A JSON object, on one line unless indented; null for infinity and NaN, which JSON does not have."""
    return escaped_json(json.dumps(_finite(value), ensure_ascii=False, indent=indent, allow_nan=False))


def _finite(value: Any) -> Any:
    """A value with None in place of each infinity and NaN in it."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def add_json(add: Add, what: str = "print the result as one JSON object") -> None:
    """The option --json."""
    add("--json", action="store_true", help=what)


def check_new_file(option: str, path: str, endings: Sequence[str], refused: Collection[str] | None = None) -> None:
    """Raise UserError for the value of an option if no new file can be written there, or standard output; endings and
    refused: as in `check_ending`."""
    if path != STDOUT and os.path.lexists(path):
        raise UserError(f"{path} exists already: give another {option}, or remove it")
    if path != STDOUT and not Path(path).parent.is_dir():
        raise UserError(f"cannot write {path}: it is in a directory that does not exist; create it, or give another "
                        f"{option}")
    check_ending(path, endings, refused)


def check_directory_name(out: str) -> None:
    """Raise UserError for a directory to write with the name of a file."""
    if Path(out).suffix.casefold() in NO_DIRECTORY and not Path(out).is_dir():
        raise UserError(f"--out {out} ends like a file: expected the name of a directory, in which files are written")


def table_text(rows: Sequence[dict[str, Any]], out: str) -> str:
    """Rows with the same columns as CSV, or as TSV for a file named .tsv; a value that is not known, None or NaN, is
    blank, which R and pandas read as missing. out: a name as in TABLES."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t" if out.casefold().endswith(".tsv") else ",", lineterminator="\n")
    writer.writerows(islice(rows, 1))       # the names of the columns
    writer.writerows(map(_cell, row.values()) for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    return "" if value is None else str(value)


def show(args: argparse.Namespace, out: str | None, line: str, found: dict[str, Any]) -> None:
    """Print what a command has done, with --json as an object; on stderr where `out`, its file, is standard output.

    out     None for a directory, whose name means nothing else
    """
    text = json_text(found) if args.json else line
    if out == STDOUT:
        Progress().say(text)
    else:
        print(text)


def check_empty(words: Sequence[str]) -> None:
    """Raise UserError for an empty argument, as a variable that is not set leaves; only --prompt may be empty."""
    empty = [before for before, word in pairwise(["elmo-np", *words]) if not word]
    empty += [word[:-1] for word in words if word.startswith("--") and word.endswith("=")]
    for before in empty:
        if len(before) < 3 or not "--prompt".startswith(before):        # argparse takes a beginning too
            raise UserError(f"the argument after {before} is empty: expected a value, or neither; a shell variable "
                            "that is not set gives an empty argument")


def check_order(args: argparse.Namespace) -> None:
    """Raise UserError, with the right command, where the model was given after the text or the word."""
    given = vars(args)
    first = given.get("dir")
    for second in (given.get(name) for name in ("corpus", "input", "data", "word", "first", "items", "suites")):
        if first and second and _is_model(second) and not _is_model(first):
            command = " ".join([given[name] for name in ("command", "task", "action") if name in given])
            raise UserError(f"{first} is not a model, but {second} is: expected the model first: elmo-np {command} "
                            f"{second} {first}")


def check_tokenize(args: argparse.Namespace) -> None:
    """Raise UserError for --tokenize or --no-tokenize where no text is named that it could be about."""
    given = vars(args)
    named = [given[name] for name in ("corpus", "input", "first", "second", "tune_on") if name in given]
    texts = [name for name in named if name]
    if "dir" not in given or given.get("tokenize") is None or not named or not set(texts) <= set(BUILT_IN):
        return
    option = "--tokenize" if args.tokenize else "--no-tokenize"
    if texts:
        raise UserError(f"{option} does not go with {texts[0]}, whose words are split already: leave it out")
    raise UserError(f"{option} is about the text of --corpus, which is not given: add --corpus FILE, or leave it out")


def say_unknown(elmo: ELMo, words: Sequence[str]) -> None:
    """Say on stderr how many of some words the model does not know."""
    for line in coverage(elmo, [words]):
        Progress().say(line)


def blank_lines(corpus: Corpus) -> str:
    """How many lines the last pass over a text has skipped, so that lines and sentences do not correspond; or ""."""
    count: int = getattr(corpus, "blank_lines", 0)
    return f"{count:,} blank {'line' if count == 1 else 'lines'} skipped" if count else ""


def _is_model(path: str) -> bool:
    return os.path.isfile(RunDirectory(Path(path)).model) or (path.endswith(".safetensors") and os.path.isfile(path))


class _Joined(argparse.Action):
    """Several arguments as the name of one corpus."""

    def __call__(self, parser: object, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        setattr(namespace, self.dest, joined(values))


def add_corpus(add: Add, name: str, what: str = "") -> None:
    """The argument that names a corpus, in one or several words."""
    add(name.lower(), metavar=name, nargs="+", action=_Joined,
        help=f"{what}text files with one sentence per line, compressed or not; glob patterns, directories, Wikipedia "
             "dumps; - for standard input; pydoc or grammar")


def add_tokenize(add: Add) -> None:
    """The option --tokenize, which `splits` reads."""
    add("--tokenize", action=argparse.BooleanOptionalAction, help="split raw text (default: as the model's corpus was)")


def splits(args: argparse.Namespace, elmo: ELMo) -> bool:
    """Whether a text is raw: as asked, by default as the model's corpus was."""
    return elmo.tokenize if args.tokenize is None else bool(args.tokenize)


def listed_words(path: str) -> list[str]:
    """The words of a file, one per line; blank lines are skipped. Raises UserError."""
    words = [word for line in text_lines(Path(path), LARGEST_LIST) if (word := line.strip(" \t\r\n"))]
    if not words:
        raise UserError(f"{path} has no words: expected one per line")
    return words


def setting_name(assignment: str) -> str:
    """The setting that key=value is about, without its section."""
    return assignment.partition("=")[0].strip().rpartition(".")[2]


def given_directly(args: argparse.Namespace) -> dict[str, str]:
    """{setting: why it changes nothing} for each of --set that has an option of its own, and it is given."""
    given = {name: getattr(args, name, None) for name in map(setting_name, args.set) if name in SHORT_FORMS}
    return {name: f"--{name.replace('_', '-')} {value} is given" for name, value in given.items() if value is not None}


def settings_of(path: str) -> Settings:
    """The settings of a run, or the defaults for a model file without config.toml."""
    folder = Path(path)
    if folder.suffix == ".safetensors":
        folder = folder.parent
    config = RunDirectory(folder).config        # beside a published model there may be that of another
    return read_toml(config, Settings()) if config.exists() else Settings()


def choice_for_corpus(args: argparse.Namespace) -> tuple[Choice, str]:
    """The settings that suit a corpus of that size, and a line that reports them; of --config and --set, only how the
    corpus is read matters."""
    config = getattr(args, "config", None)
    given = read_toml(config, CHOICES[0].settings()) if config else Settings()     # all have the same sizes
    reading = [one for one in args.set if setting_name(one) in FIELDS["data"]]
    settings = with_tokens(with_corpora(override(given, reading), args.corpus, args.valid), args.corpus)
    tokens = count_tokens(open_corpus(args.corpus, tokenize=settings.data.tokenize))
    choice = choice_for(tokens)
    return choice, choice.note(tokens)


def unread_notes(args: argparse.Namespace, assignments: Sequence[str], trainings: Sequence[Settings]) -> list[str]:
    """A line for each key=value of the command line that changes nothing in any of these trainings."""
    why = {"corpus": "CORPUS is read", **given_directly(args)}
    if args.valid is not None:
        why["valid"] = "--valid is read"
    base = trainings[0].data.fine_tune      # of a run that is resumed it may be gone
    if base is not None and not args.resume and keeps_vocabulary(read_model(base, mmap=True)):
        why |= dict.fromkeys(("min_count", "max_vocabulary"), "the words of the model that is fine-tuned are kept")
    found = [unread(with_corpora(own, args.corpus, args.valid)) for own in trainings]
    lines = []
    for name in dict.fromkeys(map(setting_name, assignments)):
        if name in why:
            lines.append(f"note: the setting {name} changes nothing: {why[name]}")
        elif all(name in own for own in found):
            lines.append(f"note: the setting {name} changes nothing without {found[0][name]}")
    return lines


def corpus_of(args: argparse.Namespace, elmo: ELMo) -> Corpus:
    """The corpus that --corpus names, or the training corpus of the model. Raises UserError if neither is known."""
    settings = settings_of(args.dir)
    if args.corpus is not None:
        return open_corpus(args.corpus, tokenize=splits(args, elmo), seed=settings.train.seed)
    try:
        return training_corpus(Path(args.dir), settings)
    except UserError as error:
        raise UserError(f"{error}; to read another text, name it with --corpus FILE") from error
