"""The text of the biLM for benchmarks/tasks.py: open text, and what tasks with a fixed split train on.

MASC through NLTK (open: Ide et al. 2010), the training sentences of WNUT-17, the English of Tatoeba's training part. A
sentence that any task tests on, in any fold, is left out, even if only its capitals differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from elmo_np.runtime.files import atomic_write_text
from elmo_np.tasks.data import nltk_data
from elmo_np.tasks.experiments.registry import TASKS

Sentence = Sequence[str]


class Part(NamedTuple):
    """Sentences of one source: how many there were, and those that were kept because no task tests on them."""

    name: str
    found: int
    kept: list[Sentence]

    @property
    def tokens(self) -> int:
        return sum(map(len, self.kept))


def plain(sentence: Sentence) -> tuple[str, ...]:
    """The sentence in lower case, equal for sentences that differ only in capitals."""
    return tuple(word.lower() for word in sentence)


def masc() -> Iterator[Sentence]:
    """The tokens of MASC, without white space inside them."""
    for sentence in nltk_data.corpus("masc_tagged").sents():
        if words := ["".join(word.split()) for word in sentence]:
            yield [word for word in words if word]


def parts(training: dict[str, Iterable[Sentence]], tested: Iterable[Sentence]) -> list[Part]:
    """The sources without the test sentences of all tasks."""
    held = {plain(sentence) for sentence in tested}
    found = []
    for name, sentences in training.items():
        every = list(sentences)
        found.append(Part(name, len(every), [own for own in every if own and plain(own) not in held]))
    return found


class Pairs(NamedTuple):
    """Files of tokens, source<TAB>target; the English sentences of the whole training part, each once; and those of the
    test part."""

    train: Path
    test: Path
    english: list[Sentence]
    held: list[Sentence]


def tatoeba(path: Path, out: Path, most: int, every: int) -> Pairs:
    """Pairs for one in `every` distinct sources of at most `most` words, from the split that `elmo-np task translate
    train fra.txt --tokenize` makes."""
    task = TASKS["translate"]
    data = task.data(str(path), None, True, 0)
    found = []
    for name, some in ("train", data.train), ("test", data.test):
        different = dict.fromkeys(tuple(words) for words in some.sentences if len(words) <= most)
        chosen = set(islice(different, 0, None, every))
        file = out / f"tatoeba-{name}.tsv"
        atomic_write_text(file, "".join(
            f"{' '.join(source)}\t{' '.join(target)}\n" for source, target in zip(*some, strict=True)
            if tuple(source) in chosen))
        found.append(file)
    return Pairs(*found, task.text(data.train), data.test.sentences)
