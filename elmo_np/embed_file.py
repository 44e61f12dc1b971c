"""`elmo-np embed`: the vectors of a whole text to one .npz file, a sentence at a time, so that memory stays small."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from .elmo import ELMo
from .errors import UserError
from .parameter import Array
from .progress import Progress


def embed_file(elmo: ELMo, sentences: Iterable[Sequence[str]], out: str | os.PathLike[str], *, layer: str = "all",
               state: str = "reset", quiet: bool = False) -> int:
    """Write an array a sentence, named "0", "1", ...: (layers, tokens, 2P) with layer "all", else (tokens, dim).

    -> how many sentences. Raises UserError where `out` exists, is no .npz, or cannot be written: nothing is left then.
    """
    out = Path(out)
    if out.suffix != ".npz":
        raise UserError(f"--out {out}: expected a name that ends in .npz")
    if out.exists():
        raise UserError(f"{out} exists already: give another --out, or remove it")
    progress, count, temporary = Progress(quiet=quiet), 0, out.with_name(f".{out.name}.tmp")
    try:
        with progress, zipfile.ZipFile(temporary, "w", allowZip64=True) as file:
            for array in _arrays(elmo, sentences, layer, state):
                # A fixed date: the same text gives the same file.
                with file.open(zipfile.ZipInfo(f"{count}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
                count += 1
                progress.show(f"{count:,} sentences")
        os.replace(temporary, out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return count


def _arrays(elmo: ELMo, sentences: Iterable[Sequence[str]], layer: str, state: str) -> Iterator[Array]:
    which = int(layer) if layer.isdecimal() else layer
    if state != "carry":
        return elmo.stream(sentences, which, state)
    elmo.reset_state()          # one stream: every sentence is the next of the same row
    return (array for sentence in sentences for array in elmo.stream([sentence], which, "carry"))
