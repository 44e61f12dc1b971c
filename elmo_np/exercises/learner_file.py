"""The reader's file: written with stubs, then run and judged. A mistake in it is reported with its own line."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from pathlib import Path
from types import CodeType
from typing import Any

from ..errors import UserError
from ..runtime.files import check_ending
from .exercise import Exercise, in_order
from .grader import MISSING, Verdict, judge

Limit = Callable[[], AbstractContextManager[Any]]       # of the time that something may take

HEAD = '''"""Exercises {what}: write each function, in place of the line that raises NotImplementedError.

To have them judged: elmo-np exercise check {what} FILE
"""

import numpy as np

from elmo_np.nn.lstm import sigmoid     # for your use
'''


class Raised(Exception):
    """A reader's function has raised `error`, perhaps in no line of theirs, as where it was called."""

    def __init__(self, error: BaseException):
        super().__init__(str(error))
        self.error = error


def select(what: str) -> list[Exercise]:
    """The exercises of a tutorial, such as "04", or one, such as "04.1". Raises UserError for others."""
    page, dot, number = what.partition(".")
    wanted = f"{page:0>2}{dot}{number}"
    found = [one for one in in_order() if wanted in (one.number, one.page)]
    if not found:
        pages = ", ".join(dict.fromkeys(one.page for one in in_order()))
        raise UserError(f"there is no exercise {what}: expected a tutorial's number, one of {pages}, or an exercise's, "
                        "such as 04.1; elmo-np exercise lists them all")
    return found


def start(what: str, path: Path) -> None:
    """Write a file with the stubs. Raises UserError where there is one already: it may hold somebody's work."""
    stubs = [f"\n\n# {one.number}  {one.title}\n{one.stub}" for one in select(what)]
    write_new(path, HEAD.format(what=what) + "".join(stubs))


def write_new(path: Path, text: str) -> None:
    """Write a file of Python that does not exist yet. Raises UserError."""
    check_ending(path, (".py", ".txt"))
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{path} exists already, and is left as it is: give another name with --out") from error
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}; give another name with --out") from error


def compiled(path: Path) -> CodeType:
    """The code of a reader's file. Raises UserError for one that cannot be read, or is not Python."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UserError(f"{path} is not a file: expected the file that `start` or `bug` wrote")
    if path.suffix == ".ipynb":
        raise UserError(f"{path} is a notebook: expected a file of Python; `jupyter nbconvert --to script` makes one")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(path.read_bytes(), str(path), "exec")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; expected the file that `start` or `bug` wrote") \
            from error
    except SyntaxError as error:
        number = f", line {error.lineno}" if error.lineno else ""
        line = f": {error.text.strip()}" if error.text else ""
        raise UserError(f"{path}{number}: {type(error).__name__}: {error.msg}{line}") from error
    except ValueError as error:
        raise UserError(f"{path} is not Python: {error}") from error


def judge_file(chosen: Sequence[Exercise], path: Path, limit: Limit = nullcontext) -> Iterator[Verdict]:
    """The verdict on each of the exercises. What the reader wrote runs within `limit`."""
    space: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    code = compiled(path)
    try:
        with limit():
            exec(code, space)
    except (Exception, SystemExit) as error:
        yield Verdict(chosen[0].page, path.name, False, [complaint(error, path)])
        return
    for exercise in chosen:
        yield _judged(exercise, space.get(exercise.name), path, limit)


def _judged(exercise: Exercise, function: Any, path: Path, limit: Limit) -> Verdict:
    if not callable(function):
        line = exercise.stub.splitlines()[0].rstrip(":")
        return Verdict(exercise.number, exercise.name, False, [f"it is not in {path.name}: expected {line}"],
                       MISSING)
    try:
        return judge(exercise, _limited(function, limit))
    except NotImplementedError:
        return Verdict(exercise.number, exercise.name, False, [])
    except Raised as raised:
        return Verdict(exercise.number, exercise.name, False, [complaint(raised.error, path)])


def _limited(function: Callable[..., Any], limit: Limit) -> Callable[..., Any]:
    """The function within `limit`. Raises NotImplementedError where it does, and Raised for anything else."""
    @wraps(function)
    def call(**arguments: Any) -> Any:
        try:
            with limit():
                return function(**arguments)
        except NotImplementedError:
            raise
        except (Exception, SystemExit) as error:
            raise Raised(error) from error
    return call


def complaint(error: BaseException, path: Path) -> str:
    """An error, with the reader's line that led to it if one did."""
    what = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
    frames = _frames(error, path)
    if not frames:
        return what
    where = f"line {frames[-1].lineno}, in {frames[-1].name}".replace(", in <module>", "")
    return f"{where}: {what}: {frames[-1].line}"


def _frames(error: BaseException, path: Path) -> list[traceback.FrameSummary]:
    """The reader's lines that led to an error, the innermost last."""
    return [one for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path)]
