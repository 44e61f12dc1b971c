"""Exercises: functions that a reader of the tutorials writes, and a judge that says what is wrong with them.

`exercise` defines what an exercise is. `language_models`, `recurrence`, `training`, `vectors`, `characters` and `tasks`
hold the exercises, each with its solution. `grader` judges an answer, with `mistakes`, which makes small mistakes in a
source text. `learner_file` writes the file with stubs and runs what the reader made of it; `child` does so in another
process. `bugs` plants a bug in a copy of a layer, for the reader to find.

A newcomer may add an exercise: write it next to those of its tutorial, with the mistakes that people make there.
People's files contain numbers such as 04.1, so add new ones after the others of a tutorial. Bugs' numbers may change.
"""

from . import language_models, recurrence, training, vectors, characters, tasks  # isort: skip
from .exercise import EXERCISES, Exercise, in_order

__all__ = ["EXERCISES", "Exercise", "characters", "in_order", "language_models", "recurrence", "tasks", "training",
           "vectors"]
