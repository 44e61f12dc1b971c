"""The judge: compare answers with what is expected, and name the mistake that they look like.

An answer is right when it is within TOLERANCE of the expected one, as in a gradient check. A wrong one is compared with
the answers of solutions with known mistakes: those that the exercise names, then every small slip that `mistakes` makes
in the solution. Last, it is compared with the expected array itself, turned, negated or scaled.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..nn.gradcheck import TOLERANCE
from ..types import Array
from .exercise import EXERCISES, KINDS, Arrays, Exercise, Inputs, Mistake, called, named
from .mistakes import mistakes

MISSING = "missing"     # the kind of a verdict on a function that the file does not have
SHOWN = 6       # arrays that a verdict lists
ROUNDING = 1e-5     # relative, as TOLERANCE: beyond that, but nearer than this, a mistake is one of rounding


class Verdict(NamedTuple):
    number: str
    name: str               # of the function
    right: bool
    lines: list[str]        # what is wrong; empty where nothing has been written yet
    kind: str = ""          # the kind of mistake that it looks like, if it looks like one; or MISSING


class WrongAnswer(Exception):
    """What a function returned cannot be compared; the message says why."""


Known = Iterable[tuple[Mistake, Arrays]]        # mistakes with the answers that they lead to


def judge(exercise: Exercise, function: Callable[..., Any]) -> Verdict:
    """The verdict on a reader's function. What it raises is not caught: the caller knows whose line it was."""
    found = Verdict(exercise.number, exercise.name, True, [])
    for k in range(len(exercise.points)):
        inputs, expected = _point(exercise.number, k)
        try:
            answers = answers_of(function, exercise, inputs)
        except WrongAnswer as problem:
            return found._replace(right=False, lines=[str(problem)])
        found = verdict(exercise.number, exercise.name, answers, expected, partial(_known, exercise.number, k))
        if not found.right:
            break
    return found


def verdict(number: str, name: str, answers: Arrays, expected: Arrays, known: Callable[[], Known]) -> Verdict:
    """The verdict on answers of the right shapes."""
    lines = [difference(array, answers[array], expected[array]) for array in expected]
    bad = [array for array, line in zip(expected, lines, strict=True) if line]
    if not bad:
        return Verdict(number, name, True, [])
    good = [array for array in expected if array not in bad]
    report = [line for line in lines if line][:SHOWN]
    report += [f"and {len(bad) - SHOWN} more arrays"] * (len(bad) > SHOWN)
    report += [f"right: {', '.join(good)}"] * (0 < len(good) <= SHOWN)
    looks = looks_like(bad, answers, expected, known())
    report += [f"looks like: {kind}: {hint}" for kind, hint in looks]
    return Verdict(number, name, False, report, looks[0][0] if looks else "")


def answers_of(function: Callable[..., Any], exercise: Exercise, inputs: Inputs) -> Arrays:
    """What a function returns for copies of the inputs. Raises WrongAnswer unless it is what the exercise asks for."""
    expected = list(inspect.signature(exercise.solution).parameters)
    try:
        found = list(inspect.signature(function).parameters)
    except ValueError:          # a function of NumPy, for instance
        found = ["..."]
    if found != expected:
        raise WrongAnswer(f"it takes ({', '.join(found)}), expected def {exercise.name}({', '.join(expected)})")
    with np.errstate(all="ignore"):
        result = called(function, deepcopy(dict(inputs)))
    return _as_arrays(result, exercise.returns)


def _as_arrays(result: Any, returns: Sequence[str]) -> Arrays:
    names = ", ".join(returns)
    if result is None:
        raise WrongAnswer(f"it returned None: expected return {names}")
    if len(returns) == 1 and isinstance(result, tuple) and len(result) == 1:
        raise WrongAnswer(f"it returned a tuple of one value: expected return {names}, without a comma after it")
    if len(returns) > 1 and not (isinstance(result, (tuple, list)) and len(result) == len(returns)):
        count = f"{len(result)} values" if isinstance(result, (tuple, list)) else f"one {type(result).__name__}"
        raise WrongAnswer(f"it returned {count}, expected {len(returns)}: return {names}")
    for name, one in zip(returns, result if len(returns) > 1 else [result], strict=True):
        if not _is_real(one):
            raise WrongAnswer(f"{name} is {repr(one)[:60]}, expected an array of real numbers")
    return named(result, returns)


def _is_real(x: Any) -> bool:
    try:
        return np.asarray(x).dtype.kind in "fiub"
    except ValueError:          # rows of unequal lengths
        return False


def difference(name: str, answer: Array, expected: Array) -> str:
    """Where and by how much an array is wrong; "" if it is right."""
    if answer.shape != expected.shape:
        sums = [axis for axis in range(answer.ndim) if same(answer.sum(axis=axis), expected)]
        remedy = ": it is transposed" if answer.T.shape == expected.shape else \
            f": its sum over axis {sums[0]} would be right" if sums else ""
        return f"{name} has the shape {answer.shape}, expected {expected.shape}{remedy}"
    if same(answer, expected):
        return ""
    error = np.where(np.isfinite(answer), np.abs(answer - expected), np.inf)
    worst = np.unravel_index(int(np.argmax(error)), error.shape)
    where = f"[{', '.join(map(str, worst))}]" if worst else ""
    count = int((error > TOLERANCE * _size(expected)).sum())
    share = "" if expected.size == 1 else f"; {count} of {expected.size} elements are wrong, this one most"
    found, wanted = _told_apart(float(answer[worst]), float(expected[worst]))
    nearly = "; nearly right: is it float32, or an approximation?" if error.max() <= ROUNDING * _size(expected) else ""
    return f"{name}{where} is {found}, expected {wanted}{share}{nearly}"


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Both with 6 digits, or with as many as it takes until they differ: float32 has 7."""
    for digits in range(6, 18):
        shown = f"{one:+.{digits}g}", f"{other:+.{digits}g}"
        if shown[0] != shown[1]:
            break
    return shown


def same(one: Array, other: Array) -> bool:
    """Whether two arrays are equal within TOLERANCE of their largest element."""
    if one.shape != other.shape:
        return False
    equal = np.isclose(one, other, rtol=0, atol=TOLERANCE * _size(other))
    return bool(equal.all())


def _size(x: Array) -> float:
    finite = x[np.isfinite(x)]
    return float(2 * np.abs(finite).max()) if finite.size and finite.any() else 1.0


@cache
def _point(number: str, k: int) -> tuple[Inputs, Arrays]:
    """The inputs of an exercise at its point k, and the right answers."""
    exercise = EXERCISES[number]
    inputs = exercise.points[k](np.random.default_rng(k))
    return inputs, exercise.expected(inputs, exercise.returns)


@cache
def _known(number: str, k: int) -> list[tuple[Mistake, Arrays]]:
    """The mistakes of an exercise and their answers; first those that the exercise names: their hints say more."""
    exercise = EXERCISES[number]
    inputs, _ = _point(number, k)
    found = []
    for mistake in [*exercise.mistakes(), *mistakes(exercise.source, exercise.name)]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answers = answers_of(exercise.compiled(mistake.source), exercise, inputs)
        except Exception:       # a slip may lead to anything; one that Python stops explains no answer
            continue
        found.append((mistake, answers))
    return found


def looks_like(bad: Sequence[str], answers: Arrays, expected: Arrays, known: Known) -> list[tuple[str, str]]:
    """(kind, hint) of one mistake that explains all wrong arrays; else of one for each array, as far as known."""
    explained: dict[str, tuple[str, str]] = {}
    for mistake, theirs in known:
        alike = [name for name in bad if same(answers[name], theirs[name])]
        if len(alike) == len(bad) and all(same(theirs[name], answers[name]) for name in expected):
            return [(mistake.kind, mistake.hint)]
        for name in alike:
            explained.setdefault(name, (mistake.kind, f"in {name}, {mistake.hint}"))
    for name in bad:
        kind = _relation(answers[name], expected[name])
        if kind:
            explained.setdefault(name, (kind, f"in {name}, {KINDS[kind]}"))
    return list(dict.fromkeys(explained[name] for name in bad if name in explained))


def _relation(answer: Array, expected: Array) -> str:
    """The kind of mistake between an array and the right one, by their values alone; "" for none."""
    if same(answer.T, expected):
        return "transpose"
    if answer.shape != expected.shape or not np.isfinite(answer).all():
        return ""
    ratio = float((answer * expected).sum() / ((expected * expected).sum() or 1))
    if abs(ratio - 1) > ROUNDING and ratio and same(answer / ratio, expected):
        return "sign" if abs(ratio + 1) < TOLERANCE else "factor"
    shifts = [np.roll(expected, step, axis) for axis in range(expected.ndim) for step in (1, -1)]
    return "off by one" if any(same(answer, shifted) for shifted in shifts) else ""
