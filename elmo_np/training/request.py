"""What a training is asked to do: checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..config.schema import Settings
from ..config.toml_files import read_toml, replaced
from ..data.corpus import STDIN, has_dump, held_out, open_corpus, require_reiterable
from ..errors import UserError
from ..io.run_directory import RunDirectory
from .fine_tuning import same_run

Corpus = Iterable[Sequence[str]]


def with_corpora(settings: Settings, corpus: str | Corpus, valid: str | Corpus | None) -> Settings:
    """Settings that name the corpora that have a name, so that the run's config.toml does too."""
    named = {key: name for key, name in (("corpus", corpus), ("valid", valid)) if isinstance(name, str)}
    # Standard input cannot be read again later.
    return replaced(settings, **{key: None if name == STDIN else name for key, name in named.items()})


def with_tokens(settings: Settings, corpus: str | Corpus) -> Settings:
    """Settings with tokenize = true if the corpus has a Wikipedia dump in it, so that the model's texts are split too.

    Raises UserError if there is no such corpus.
    """
    return replaced(settings, tokenize=True) if isinstance(corpus, str) and has_dump(corpus) else settings


def check_request(settings: Settings, out: str, folder: RunDirectory, resume: bool) -> None:
    """Raise UserError for a run that cannot begin, before anything is read."""
    if not settings.model.predict:
        raise UserError("predict = false: expected predict = true, because a language model learns by predicting words")
    if not out:
        raise UserError("the run's directory has an empty name: expected the name of a folder")
    if resume:
        _check_resume(settings, folder)
    elif folder.in_use():
        raise UserError(f"{out} already holds a run: give another directory{_way_on(folder)}")


def check_processes(settings: Settings, number: int) -> None:
    """Raise UserError unless so many processes can share the groups of a batch."""
    groups = settings.train.groups
    if groups % number:
        *others, most = (str(1 << k) for k in range(groups.bit_length()))
        right = f"{', '.join(others)} or {most}" if others else most
        raise UserError(f"{number} processes with groups = {groups}: expected a number of processes that divides "
                        f"groups, which is set when a run begins: start {right} of them, or begin a run with groups = "
                        f"{1 << (number - 1).bit_length()}")


def _way_on(folder: RunDirectory) -> str:
    """What else can be done with a directory in use."""
    if folder.last.exists():
        return ", or continue it (--resume, or resume=True)"
    return "" if folder.model.exists() else ", or remove it: no step of its training was saved"


def _check_resume(settings: Settings, folder: RunDirectory) -> None:
    """Raise UserError where there is nothing to resume, or it began from another model than the settings name."""
    if not folder.last.exists():
        raise UserError(f"{folder.path} has no last.safetensors to resume from: expected a folder that `elmo-np train` "
                        "wrote")
    if folder.config.is_file():
        before = read_toml(folder.config, Settings()).data.fine_tune
        now = settings.data.fine_tune
        if not same_run(before, now):
            raise UserError(f"the run in {folder.path} began with fine_tune = {before or 'none'}, now it is "
                            f"{now or 'none'}: resume with the same value, or start another run in another directory")


def open_corpora(corpus: str | Corpus, valid: str | Corpus | None, settings: Settings) -> tuple[Corpus, Corpus]:
    """What to train on, and what to validate on."""
    data, seed = settings.data, settings.train.seed

    def opened(given: str | Corpus, shards: bool = False) -> Corpus:
        if isinstance(given, str):
            return open_corpus(given, tokenize=data.tokenize, seed=seed, shards=shards)
        if shards:
            raise UserError(f"shards = true with a corpus that is a {type(given).__name__}: expected one string "
                            "that names files or a directory: set shards = false")
        return require_reiterable(given)

    whole = opened(corpus, data.shards)
    return held_out(whole, data.held_out) if valid is None else (whole, opened(valid))
