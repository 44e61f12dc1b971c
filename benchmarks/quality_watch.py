"""A run, its clock, and the points of its curve: the same for every side.

The clock starts when a process begins its work, after all imports, and includes everything that a user waits for:
reading the corpus, training, the validation at each epoch's end, saving. So that a slow run also has a curve, there are
extra validations: after each quarter of the first epoch, and where the budget ends inside an epoch. The time of one
counts in its own point, which is the moment when the result is known, and is then taken off the clock.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import from_json, to_json
from elmo_np.data.corpus import Corpus, open_corpus
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.evaluate import Evaluation
from elmo_np.runtime.progress import duration

QUARTERS = 4
BETWEEN_NEWS = 1.0      # seconds


@dataclass(frozen=True)
class Run:
    """One line of the figure.

    key       its name on the command line
    name      its name in table and figure
    side      who trains: measure.OURS or works.TORCH
    recipe    the preset's name
    settings  all settings, with the corpora
    budget    seconds
    """

    key: str
    name: str
    side: str
    recipe: str
    settings: Settings
    budget: float

    def to_json(self) -> str:
        return json.dumps({**vars(self), "settings": to_json(self.settings)})

    @classmethod
    def from_json(cls, text: str) -> Run:
        fields = json.loads(text)
        return cls(**{**fields, "settings": from_json(Settings, fields["settings"])})


def corpora(settings: Settings) -> tuple[Corpus, Corpus]:
    """The corpora to train and to validate on."""
    data, seed = settings.data, settings.train.seed
    assert data.corpus is not None
    assert data.valid is not None
    return (open_corpus(data.corpus, tokenize=data.tokenize, seed=seed),
            open_corpus(data.valid, tokenize=data.tokenize, seed=seed))


@dataclass(frozen=True)
class Point:
    """A validation. seconds: the clock when its result was known; whole: whether it is at an epoch's end."""

    epoch: int
    step: int           # of this epoch
    seconds: float
    forward: float      # perplexities
    backward: float
    whole: bool

    @property
    def higher(self) -> float:
        """The higher of both perplexities; NaN if either is."""
        return math.nan if math.isnan(self.forward + self.backward) else max(self.forward, self.backward)


class BudgetSpent(Exception):
    """The budget is spent: the run ends, and its model is validated."""


class Watch:
    """The clock of a run that starts its work now.

    budget  seconds after which the run ends
    tell    called with fields for the parent: point, progress
    clock   a function that returns seconds
    """

    def __init__(self, budget: float, tell: Callable[..., None], clock: Callable[[], float] = time.perf_counter):
        self.budget, self._tell, self._clock = budget, tell, clock
        self._start = self._training = clock()
        self._extra = self._aside = 0.0     # in extra validations; in all, and in saving
        self._words, self._targets, self._quarter, self._news = 0, 1, 1, -math.inf

    @property
    def seconds(self) -> float:
        return self._clock() - self._start - self._extra

    def training_begins(self, vocabulary: Vocabulary) -> None:
        """Called when the corpus is read: from now on words are counted; the vocabulary has the number per epoch."""
        self._training = self._clock()
        self._targets = sum(vocabulary.counts or []) - vocabulary.count(vocabulary.bos)

    def stepped(self, epoch: int, step: int, words: int, validate: Callable[[], Evaluation]) -> None:
        """Called after a training step. Raises BudgetSpent if the run has to end."""
        self._words += words
        spent, due = self.seconds >= self.budget, False
        while self._quarter < QUARTERS and self._words * QUARTERS >= self._targets * self._quarter:
            self._quarter, due = self._quarter + 1, True
        if spent or due:
            start = self._clock()
            with self.aside():
                self._point(epoch, step, validate(), whole=False)
            self._extra += self._clock() - start
        if spent:
            raise BudgetSpent
        if self._clock() - self._news >= BETWEEN_NEWS:
            self._news = self._clock()
            self._tell(progress=f"epoch {epoch}, step {step}, {duration(self.seconds)} of {duration(self.budget)}")

    def epoch_validated(self, epoch: int, step: int, found: Evaluation) -> None:
        self._point(epoch, step, found, whole=True)

    def epoch_ends(self) -> None:
        """Raises BudgetSpent if no time is left for another."""
        if self.seconds >= self.budget:
            raise BudgetSpent

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Time inside is not training time, and does not count for the words per second."""
        start = self._clock()
        yield
        self._aside += self._clock() - start

    def summary(self) -> dict[str, float]:
        """Words per second of training, each in both directions; epochs, including part of the last."""
        training = self._clock() - self._training - self._aside
        return {"speed": self._words / training if training > 0 else 0.0, "epochs": self._words / self._targets}

    def _point(self, epoch: int, step: int, found: Evaluation, *, whole: bool) -> None:
        point = Point(epoch, step, self.seconds, found.forward, found.backward, whole)
        self._tell(point=asdict(point))
