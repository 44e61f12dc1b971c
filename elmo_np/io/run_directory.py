"""The directory of a run: the files that training leaves there.

    model.safetensors   the best model on validation: what ELMo.load reads
    last.safetensors    the last state of training: everything that --resume needs
    vocabulary.txt      one word per line; the line number, from 0, is the id
    config.toml         every setting, with its meaning
    metrics.csv         losses and perplexities during training
    report.html         an HTML report of all of this, written by `elmo-np train` and `elmo-np report`
"""

import os
from pathlib import Path

from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..runtime.files import atomic_write_text


class RunDirectory:
    """The paths of a run."""

    def __init__(self, path: Path):
        self.path = path
        self.model = path / "model.safetensors"
        self.last = path / "last.safetensors"
        self.vocabulary = path / "vocabulary.txt"
        self.config = path / "config.toml"
        self.metrics = path / "metrics.csv"
        self.report = path / "report.html"

    def begin(self, vocabulary: Vocabulary, config: str) -> None:
        """Make the folder, with vocabulary.txt and config.toml. Raises UserError if that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {self.path}: {error.strerror}") from error
        vocabulary.save(self.vocabulary)
        atomic_write_text(self.config, config)

    def remove_unsaved(self) -> None:
        """Remove what a training left that was killed before it had saved anything: there is nothing to resume."""
        if not any(map(os.path.lexists, (self.model, self.last))):
            for file in self.vocabulary, self.config, self.metrics:
                file.unlink(missing_ok=True)

    def resumable(self) -> bool:
        """Whether there is a training to resume, after `remove_unsaved`."""
        self.remove_unsaved()
        return self.last.exists()

    def in_use(self) -> bool:
        """Whether there is anything here that a new training would overwrite."""
        return any(map(os.path.lexists, (self.model, self.last, self.vocabulary, self.config, self.metrics)))
