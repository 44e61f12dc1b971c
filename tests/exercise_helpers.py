"""Shared by the tests of the exercises: functions as readers write them, and what the judge says about them."""

import inspect
import textwrap

import numpy as np

from elmo_np.exercises import EXERCISES
from elmo_np.exercises.grader import judge
from elmo_np.nn.lstm import sigmoid


def verdict_on(number, body):
    """The verdict on an exercise's function with this body, which is indented as it is in the test."""
    exercise = EXERCISES[number]
    head = f"def {exercise.name}{inspect.signature(exercise.solution)}:\n"
    space = {"np": np, "sigmoid": sigmoid}
    exec(head + textwrap.indent(textwrap.dedent(body).strip("\n"), "    "), space)
    return judge(exercise, space[exercise.name])


def wrong_arrays(verdict):
    """The names of the arrays that a verdict calls wrong."""
    return [line.split(" ")[0].split("[")[0] for line in verdict.lines if " is " in line and ", expected " in line]
