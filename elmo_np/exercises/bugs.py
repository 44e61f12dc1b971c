"""Find the planted bug: a copy of one of the package's modules, with one mistake in a backward pass.

Every bug is silent: Python runs it, all shapes are right, and only gradients are wrong. A copy is judged by letting the
module run the copy's code, and comparing the gradients of its gradient checks with those of the package, which
`elmo-np gradcheck` compares with central differences.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import import_module
from itertools import count
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple

import numpy as np

from .. import backend
from ..errors import UserError
from ..gradient_checks import CASES, select
from ..runtime.threads import threads
from .exercise import Arrays, Mistake
from .grader import Verdict, same, verdict
from .learner_file import Limit, compiled, complaint
from .mistakes import mistakes

HEADER = "# Planted bug {number}, in a copy of elmo_np/{file}. To have it judged: elmo-np exercise bug --check FILE\n"
PER_KIND = 3            # bugs of one kind in one function


class Place(NamedTuple):
    """A function that bugs are planted in, and the gradient checks that run it."""

    module: str
    function: str
    checks: tuple[str, ...]


PLACES = [
    Place("nn.lstm", "lstm_backward", ("lstm*",)),
    Place("nn.softmax", "softmax_backward", ("softmax",)),
    Place("nn.representation", "ScalarMix.backward", ("layer mix*",)),
    Place("nn.representation", "norm_backward", ("layer mix*",)),
    Place("nn.representation", "WordVector.backward", ("word vector*", "input of a task, v_t*")),
    Place("nn.char_cnn", "Filters.backward", ("characters, *",)),
    Place("nn.char_cnn", "Highway.backward", ("characters, relu*",)),
    Place("nn.sampled_softmax", "SampledSoftmax.backward", ("sampled softmax",)),
    Place("nn.adaptive_softmax", "AdaptiveSoftmax.backward", ("adaptive softmax",)),
    Place("tasks.nn.linear", "Linear.backward", ("linear*",)),
    Place("tasks.nn.linear", "cross_entropy_backward", ("linear*",)),
    Place("tasks.nn.crf", "marginals", ("CRF*",)),
    Place("tasks.nn.crf", "CRF.backward", ("CRF*",)),
    Place("tasks.nn.attention", "attend_backward", ("attention*",)),
    Place("tasks.nn.attention", "AdditiveAttention.score_backward", ("attention*",)),
    Place("tasks.nn.attention", "DotAttention.score_backward", ("attention*",)),
]


class Bug(NamedTuple):
    number: int
    place: Place
    mistake: Mistake        # its source is that of the whole module

    @property
    def module(self) -> ModuleType:
        return import_module(f"elmo_np.{self.place.module}")

    @property
    def text(self) -> str:
        """What the reader gets."""
        file = self.place.module.replace(".", "/") + ".py"
        number, *_ = self.line()
        column = self._right_lines()[number - 2].find("  #")
        lines = self.mistake.source.splitlines()
        if column >= 0:         # a comment out of line with those around it would give the bug away
            code, _, comment = lines[number - 2].rpartition("  #")
            lines[number - 2] = f"{code.rstrip():{column}}  #{comment}"
        return HEADER.format(number=self.number, file=file) + "\n".join(lines) + "\n"

    def line(self) -> tuple[int, str, str]:
        """The line of the bug in `text`, as it is there and as it should be."""
        pairs = zip(self.mistake.source.splitlines(), self._right_lines(), strict=True)
        return next((n, bad.strip(), good.strip()) for n, (bad, good) in enumerate(pairs, 2) if bad != good)

    def _right_lines(self) -> list[str]:
        return source_of(self.module).splitlines()


@cache
def bugs() -> list[Bug]:
    """All bugs, numbered from 1: of each function, the first few of each kind that are silent."""
    return list(_planted())


def _planted() -> Iterator[Bug]:
    """The same one by one: to find the silent mistakes in all functions takes seconds."""
    numbers = count(1)
    for place in PLACES:
        for mistake in _planted_in(place):
            yield Bug(next(numbers), place, mistake)


@cache
def _planted_in(place: Place) -> list[Mistake]:
    lines: dict[str, set[int]] = {}
    found = []
    for mistake in _mistakes_in(place):
        line, *_ = Bug(0, place, mistake).line()
        used = lines.setdefault(mistake.kind, set())
        if len(used) < PER_KIND and line not in used and _is_silent(place, mistake):
            used.add(line)
            found.append(mistake)
    return found


def _mistakes_in(place: Place) -> list[Mistake]:
    """Without loops that are too short: what they leave of an empty array may be anything."""
    text = source_of(import_module(f"elmo_np.{place.module}"))
    lines = set(text.splitlines())
    return [one for one in mistakes(text, place.function)
            if one.kind != "off by one" or not any("range(" in line for line in set(one.source.splitlines()) - lines)]


def bug(number: int) -> Bug:
    """Raises UserError for a number that is not a bug's."""
    found = next((one for one in _planted() if one.number == number), None)
    if found is None:
        raise UserError(f"there is no bug {number}: expected a number from 1 to {len(bugs())}")
    return found


def source_of(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def judge_bug(path: Path, limit: Limit = nullcontext) -> Verdict:
    """The verdict on a copy that the reader has changed; it runs within `limit`. Raises UserError for another file."""
    planted = bug_of(path)
    code = compiled(path)
    if code_of(code, planted.place.function) is None:
        problem = f"{planted.place.function} is gone: expected the whole copy, with one line changed"
        return Verdict(f"bug {planted.number}", path.name, False, [problem])
    expected = _right(tuple(_checks(planted.module)))
    try:
        with limit(), running(planted.module, code):
            answers = _gradients(_checks(planted.module))
    except Exception as error:
        return Verdict(f"bug {planted.number}", path.name, False, [complaint(error, path)])
    shown = verdict(f"bug {planted.number}", path.name, answers, expected, lambda: _known(planted.place.module))
    if not shown.right:
        return shown
    number, bad, good = planted.line()
    return shown._replace(lines=[f"found: line {number} was    {bad}", f"       it should be  {good}",
                                 f"a bug of the kind: {planted.mistake.kind}"])


def bug_of(path: Path) -> Bug:
    """The bug that was planted in a file. Raises UserError for a file without a bug's first line."""
    compiled(path)
    head = re.match(r"# Planted bug (\d+),", path.read_text(encoding="utf-8-sig", errors="replace"))
    if not head:
        raise UserError(f"{path} does not begin with '# Planted bug': expected a file that elmo-np exercise bug wrote")
    return bug(int(head[1]))


@contextmanager
def running(module: ModuleType, code: CodeType) -> Iterator[None]:
    """Inside the block, the functions and methods of a module run those of `code`, which was compiled from a copy."""
    replaced = [(function, new) for name, function in _functions(module) if (new := code_of(code, name)) is not None
                and new.co_freevars == function.__code__.co_freevars]
    before = [function.__code__ for function, _ in replaced]
    try:
        for function, new in replaced:
            function.__code__ = new
        with backend.use("numpy"), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for (function, _), old in zip(replaced, before, strict=True):
            function.__code__ = old


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    """The functions that a module defines, behind their twins too, and the methods of its classes, by dotted name."""
    for name, value in vars(module).items():
        value = getattr(value, "reference", value)
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield name, value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for inner, method in vars(value).items():
                if isinstance(method, FunctionType):
                    yield f"{name}.{inner}", method


def code_of(code: CodeType, name: str) -> CodeType | None:
    """The code of a function by its dotted name within a module's code; None if it is not there."""
    for part in name.split("."):
        found = [one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == part]
        if not found:
            return None
        code = found[-1]
    return code


def _checks(module: ModuleType) -> list[str]:
    """The gradient checks of all places in a module."""
    return select([check for place in PLACES if module.__name__ == f"elmo_np.{place.module}" for check in place.checks])


def _gradients(checks: list[str]) -> Arrays:
    """The loss and every gradient of some gradient checks, as the package computes them now, by name."""
    found: Arrays = {}
    with backend.use("numpy"), threads(1):      # the points are small
        for check in checks:
            made = CASES[check](np.random.default_rng(0))
            found[f"{check}: loss"] = np.array(made.loss())
            found.update({f"{check}: d {name}": grad for name, grad in made.grads.items()})
    return found


@cache
def _answers(name: str, source: str) -> Arrays | None:
    """The gradients of all checks of a module with a mistake in its source; None if Python stops it."""
    module = import_module(f"elmo_np.{name}")
    try:
        with running(module, compile(source, "<bug>", "exec")):
            return _gradients(_checks(module))
    except Exception:       # a mistake may lead to anything
        return None


def _is_silent(place: Place, mistake: Mistake) -> bool:
    """Whether only gradients tell that there is a mistake."""
    answers = _answers(place.module, mistake.source)
    right = _right(place.checks)
    return answers is not None and not all(same(answers[name], right[name]) for name in right)


@cache
def _right(checks: tuple[str, ...]) -> Arrays:
    return _gradients(select(checks))


@cache
def _known(module: str) -> list[tuple[Mistake, Arrays]]:
    """Every mistake that the rules make in the places of a module, with its gradients."""
    made = [mistake for place in PLACES if place.module == module for mistake in _mistakes_in(place)]
    answers = [(mistake, _answers(module, mistake.source)) for mistake in made]
    return [(mistake, found) for mistake, found in answers if found is not None]
