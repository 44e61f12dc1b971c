"""What a biLM has read: the text for word2vec beside it, and whether the test of a task was in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...config.schema import Settings
from ...config.toml_files import read_toml
from ...data.corpus import Corpus, held_out, open_corpus
from ...errors import UserError
from ...io.model_file import read_model
from ...io.run_directory import RunDirectory
from ...runtime.progress import Progress


@dataclass(frozen=True)
class Texts:
    """What a biLM has read, from its last training back to its first; models: the files that those trainings wrote."""

    settings: tuple[Settings, ...]
    models: tuple[Path, ...]

    def __iter__(self) -> Iterator[Sequence[str]]:
        for own in self.settings:
            yield from _opened(own)

    def check(self) -> None:
        """Raise UserError for a corpus in which words do not occur as often as the model has counted them: another
        file may be at its place, or lie there from where this program was started."""
        for own, model in zip(self.settings, self.models, strict=True):
            vocabulary = read_model(model, mmap=True).vocabulary
            corpus = _opened(own)
            # Given from Python, what was validated on has no name in the settings: then all of the corpus was read.
            likelier = [held_out(corpus, own.data.held_out)[0], corpus]
            if own.data.valid is not None:
                likelier.reverse()
            if vocabulary.counts and all(vocabulary.counted(text).counts != vocabulary.counts for text in likelier):
                raise UserError(f"{own.data.corpus} is not the text that {model} has read: expected the same words, as "
                                "often")


def _opened(settings: Settings) -> Corpus:
    assert settings.data.corpus is not None
    return open_corpus(settings.data.corpus, tokenize=settings.data.tokenize, seed=settings.train.seed)


def texts(run: str) -> Texts:
    """The corpora of a biLM. Raises UserError where one is not known, or is not there."""
    found: dict[Path, Settings] = {}
    before: str | None = run
    while before is not None:
        model = read_model(before, mmap=True).path
        file = RunDirectory(model.parent).config
        settings = read_toml(file, Settings())
        if settings.data.corpus is None:
            raise UserError(f"{file} names no corpus")
        open_corpus(settings.data.corpus)
        if model.resolve() in found:
            raise UserError(f"{file} says that the model was fine-tuned from itself")
        found[model.resolve()] = settings
        before = settings.data.fine_tune
    return Texts(tuple(found.values()), tuple(found))


def read_before(run: str | None, tested: Iterable[Sequence[str]], progress: Progress) -> list[str]:
    """A line that says how many of the test sentences the biLM given has read; none where it has read none, where its
    text is not there to look in, and without a biLM: one of the task's own has read no test sentence."""
    if run is None:
        return []
    different = set(map(tuple, tested))
    try:
        corpus = texts(run)
        progress.show(f"looking for test sentences in what {run} has read")
        corpus.check()
        there = {own for own in map(tuple, corpus) if own in different}
    except UserError:
        return []
    return [f"  note: {len(there):,} of {len(different):,} different test sentences were in the text that {run} has "
            "read"] if there else []
