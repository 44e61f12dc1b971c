"""The tasks of `elmo-np task`; a new one is added here."""

from .classify import Classify
from .senses import Senses
from .tag import Tag
from .task_base import TaskSpec
from .translate import Translate
from .wic import Wic

TASKS: dict[str, TaskSpec] = {task.name: task for task in (Classify(), Tag(), Senses(), Wic(), Translate())}
