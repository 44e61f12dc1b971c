"""The text that a biLM was trained on: for word2vec to be trained on too, and to look for test sentences in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...config.schema import Settings
from ...config.toml_files import read_toml
from ...data.corpus import open_corpus
from ...errors import UserError
from ...io.model_file import read_model
from ...io.run_directory import RunDirectory
from ...io.training_corpus import training_corpus
from ...runtime.progress import Progress


@dataclass(frozen=True)
class Texts:
    """The corpora of a biLM, from its last training back to its first.

    Iterating raises UserError for a corpus that is not the text that the model was trained on: its path may have been
    chosen by anybody, lead to another file by now, or be relative to another working directory.
    """

    settings: tuple[Settings, ...]      # of each training
    models: tuple[Path, ...]            # the file that each training wrote

    def __iter__(self) -> Iterator[Sequence[str]]:
        for model, own in zip(self.models, self.settings, strict=True):
            yield from training_corpus(model, own)

    def words(self) -> Iterator[list[str]]:
        """The sentences without what counts as an unknown word, such as <unk>."""
        for model, own in zip(self.models, self.settings, strict=True):
            marks = read_model(model, mmap=True).vocabulary.marks
            yield from ([word for word in sentence if word not in marks] for sentence in training_corpus(model, own))


def texts(run: str) -> Texts:
    """The corpora of a biLM. Raises UserError if one is unknown or missing."""
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
            raise UserError(f"{file} names the model itself as the one that it was fine-tuned from")
        found[model.resolve()] = settings
        before = settings.data.fine_tune
    return Texts(tuple(found.values()), tuple(found))


def read_before(run: str | None, tested: Iterable[Sequence[str]], progress: Progress) -> list[str]:
    """A line with the number of test sentences that the given biLM was trained on.

    No line if there are none, if the biLM's text is not available, and without a given biLM: one that is trained for
    the task reads no test sentence.
    """
    if run is None:
        return []
    different = set(map(tuple, tested))
    try:
        corpus = texts(run)
        progress.show(f"looking for test sentences in the text of {run}")
        seen = {own for own in map(tuple, corpus) if own in different}
    except UserError:
        return []
    return [f"  note: {len(seen):,} of {len(different):,} different test sentences were in the text that {run} was "
            "trained on"] if seen else []
