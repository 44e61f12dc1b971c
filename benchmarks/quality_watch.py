"""A run, its clock, and the points of its curve: the same for every side.

The clock goes from the start of a process's work, once everything is imported, and counts all that a person waits for:
reading the corpus, training, the validation at each epoch's end, saving. So that a slow run has a curve too, there are
extra validations: after each quarter of the first epoch, and where the budget ends inside an epoch. The time of one
stands in its own point, as the moment when the result is known, and is then taken off the clock again.
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
    """One line of the picture.

    key       its name on the command line
    name      its name in table and picture
    side      who trains: measure.OURS or works.TORCH
    recipe    the preset's name
    settings  corpora and all
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
    """What to train and what to validate on."""
    data, seed = settings.data, settings.train.seed
    assert data.corpus is not None
    assert data.valid is not None
    return (open_corpus(data.corpus, tokenize=data.tokenize, seed=seed),
            open_corpus(data.valid, tokenize=data.tokenize, seed=seed))


@dataclass(frozen=True)
class Point:
    """A validation. seconds: on the clock when its result was known; whole: at an epoch's end."""

    epoch: int
    step: int           # of this epoch
    seconds: float
    forward: float      # perplexities
    backward: float
    whole: bool

    @property
    def higher(self) -> float:
        """The direction that is still behind; not a number if either is none."""
        return math.nan if math.isnan(self.forward + self.backward) else max(self.forward, self.backward)


class BudgetSpent(Exception):
    """The run ends here; what it had learnt is validated."""


class Watch:
    """The clock of a run that has begun its work just now.

    budget  seconds after which the run ends
    tell    called with fields for the parent: point, progress
    clock   seconds from anywhere
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
        """The corpus is read: from here on words are counted, those of an epoch being the vocabulary's."""
        self._training = self._clock()
        self._targets = sum(vocabulary.counts or []) - vocabulary.count(vocabulary.bos)

    def stepped(self, epoch: int, step: int, words: int, validate: Callable[[], Evaluation]) -> None:
        """A training step is done. Raises BudgetSpent where the run has to end."""
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
        """Raises BudgetSpent where there is no time for another."""
        if self.seconds >= self.budget:
            raise BudgetSpent

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What runs here is no training: it does not count for the words a second."""
        start = self._clock()
        yield
        self._aside += self._clock() - start

    def summary(self) -> dict[str, float]:
        """Words that were trained a second of training, each in both directions; epochs, the last one in part."""
        training = self._clock() - self._training - self._aside
        return {"speed": self._words / training if training > 0 else 0.0, "epochs": self._words / self._targets}

    def _point(self, epoch: int, step: int, found: Evaluation, *, whole: bool) -> None:
        point = Point(epoch, step, self.seconds, found.forward, found.backward, whole)
        self._tell(point=asdict(point))
