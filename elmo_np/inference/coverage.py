"""How much of a text a model knows: words outside its vocabulary, and words of which it reads only the first bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ..nn.characters import is_cut
from .elmo import ELMo

MUCH = 1 / 3        # of the words: beyond it a text is not one of those that the model was made for
SPLIT = "if the text has no spaces between words, like Chinese or Japanese, split it into words first"

Sentence = TypeVar("Sentence", bound=Sequence[str])


class Coverage:
    """Counts the words of sentences while they are read.

    lost        words that the model does not know; of a model of characters, which knows any word, those that are cut
    lower       unknown words that it knows in lower case
    """

    def __init__(self, elmo: ELMo):
        config = elmo.model.config
        self.vocabulary = elmo.vocabulary
        self.most = config.max_characters if config.char_filters else None
        self.words = self.lost = self.lower = 0

    def add(self, sentence: Sequence[str]) -> None:
        self.words += len(sentence)
        if self.most is not None:
            self.lost += sum(is_cut(word, self.most) for word in sentence)
            return
        unknown = [word for word in sentence if word not in self.vocabulary]
        self.lost += len(unknown)
        self.lower += sum(word.lower() in self.vocabulary for word in unknown)

    def watch(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """The sentences, counted as they pass."""
        for sentence in sentences:
            self.add(sentence)
            yield sentence

    @property
    def poor(self) -> bool:
        """Whether so much is unknown or cut that vectors say little about the text."""
        return self.lost > MUCH * self.words

    @property
    def line(self) -> str:
        """One line for a person; "" if nothing is lost."""
        if not self.lost:
            return ""
        share = f"{self.lost:,} of {self.words:,} words ({self.lost / self.words:.1%})"
        if self.most is not None:
            return (f"{'warning' if self.poor else 'note'}: {share} are cut to their first {self.most - 2} bytes, so "
                    f"words that begin alike have the same vector; {SPLIT}")
        line = f"{share} are unknown to the model, which reads <UNK> in their place"
        return f"warning: {line}: {self._advice()}" if self.poor else f"note: {line}"

    def _advice(self) -> str:
        if self.lower > self.lost / 2:
            return f"it knows {self.lower:,} of them in lower case; give the text in lower case"
        return f"give text like that of its training, split in the same way; {SPLIT}"


def coverage(elmo: ELMo, sentences: Iterable[Sequence[str]]) -> list[str]:
    """The line of `Coverage` about some sentences, or none."""
    found = Coverage(elmo)
    for sentence in sentences:
        found.add(sentence)
    return [found.line] if found.lost else []
