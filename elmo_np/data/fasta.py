"""Proteins in FASTA files, as sentences of one residue per word: SeqVec is ELMo trained on such sentences.

A record is a line that begins with >, an id and perhaps a description after it, and lines of residues.
Source: Pearson and Lipman 1988; comments after ;, and the letters B J O U X Z besides the 20, IUPAC-IUB 1983 and later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import UserError
from .text_lines import check_regular, text_lines

STANDARD = frozenset("ACDEFGHIKLMNPQRSTVWY")
ODD = frozenset("BJOUXZ")           # ambiguous, rare or unknown residues
NO_RESIDUES = frozenset("-.*")      # gaps, and the stop at the end of a translation
WRITTEN = STANDARD | ODD | NO_RESIDUES | {letter.lower() for letter in STANDARD | ODD}
BASES = frozenset("ACGTUN")
LONGEST_ID = 200
LONGEST = 1 << 20                   # residues of a protein; the longest known have some 35,000
FEW = 100                           # residues: so many bases in a row are not a protein


class FastaCorpus:
    """Files of proteins; every pass reads them again. Lower-case letters, which only mark regions, become upper case.

    paths   FASTA files, read in this order; .gz, .bz2 and .xz are unpacked while reading
    name    of the corpus in messages
    Raises UserError for a file that cannot be read several times, and while reading, with the line: for a record
    without residues, an id that is missing, that another record has or that is not printable ASCII, and anything in a
    sequence that is not a letter, a gap or a stop.
    """

    def __init__(self, paths: Iterable[Path], *, name: str):
        self.name = name
        self.paths = list(paths)
        check_regular(self.paths, "a FASTA file")
        self.odd = self.lower = self.left_out = 0       # letters of each kind in the last complete pass
        self.bases = False                              # whether all of its letters may be those of DNA or RNA

    def __iter__(self) -> Iterator[list[str]]:
        return (residues for _, residues in self.records())

    @property
    def ids(self) -> Iterator[str]:
        """The id of every record: what is between > and the first blank."""
        return (name for name, _ in self.records())

    def records(self) -> Iterator[tuple[str, list[str]]]:
        """The id and the residues of every protein."""
        known: set[str] = set()
        odd = lower = left_out = total = 0
        letters: set[str] = set()
        for path in self.paths:
            for where, name, text in _records(path):
                if name in known:
                    raise UserError(f"{where}: the id {name} is that of an earlier record, expected each once: the "
                                    "vectors are named by it")
                known.add(name)
                lower += sum(map(str.islower, text))
                text = text.upper()
                residues = [letter for letter in text if letter not in NO_RESIDUES]
                if not residues:
                    raise UserError(f"{where}: {name} has no residues: expected at least one; remove the record")
                odd += sum(letter in ODD for letter in residues)
                left_out += len(text) - len(residues)
                total += len(residues)
                letters.update(residues)
                yield name, residues
        if not known:
            raise UserError(f"{self.name} has no proteins: expected records that begin with >")
        self.odd, self.lower, self.left_out = odd, lower, left_out
        self.bases = letters <= BASES and total >= FEW

    @property
    def line(self) -> str:
        """What is unusual in the residues of the last pass, in one line; "" if nothing is."""
        counts = (("B, J, O, U, X or Z, which models have seen rarely", self.odd),
                  ("lower-case letters, read as upper case", self.lower),
                  ("gaps and stops (- . *), left out", self.left_out))
        return "; ".join(f"{what}: {count:,}" for what, count in counts if count)

    @property
    def warning(self) -> str:
        """That these are not proteins, by the last pass; "" if they may be."""
        return "warning: all letters are A, C, G, T, U or N: expected proteins, not DNA or RNA" if self.bases else ""


def _records(path: Path) -> Iterator[tuple[str, str, str]]:
    """Where each record of a file is, its id, and its sequence as it is written, without white space."""
    where = name = ""
    pieces: list[str] = []
    length = 0
    for number, line in enumerate(text_lines(path), 1):
        line = line.strip()
        if line.startswith(">"):
            if name:
                yield where, name, "".join(pieces)
            where, pieces, length = f"{path}, line {number}", [], 0
            name = _id(where, line)
        elif line and not line.startswith(";"):
            if not name:
                raise UserError(f"{path}, line {number}: {line!r:.40} before the first record, expected FASTA: a line "
                                "such as >P12345, then residues")
            pieces.append(_sequence(f"{path}, line {number}", line))
            length += len(pieces[-1])
            if length > LONGEST:
                raise UserError(f"{where}: {name} has more than {LONGEST:,} residues, expected a protein: "
                                "the longest have some 35,000")
    if name:
        yield where, name, "".join(pieces)


def _id(where: str, line: str) -> str:
    name = (line[1:].split() or [""])[0]
    # numpy.load would find the array of the id a under a.npy too.
    if not name or len(name) > LONGEST_ID or not (name.isascii() and name.isprintable()) or name.endswith(".npy"):
        raise UserError(f"{where}: the id is {name!r:.60}, expected 1 to {LONGEST_ID} printable ASCII characters right "
                        "after >, without .npy at the end: its vectors are named by it")
    return name


def _sequence(where: str, line: str) -> str:
    text = "".join(line.split())
    if wrong := set(text) - WRITTEN:
        raise UserError(f"{where}: {min(wrong)!r} is not a residue, expected letters for amino acids, gaps (- .) or "
                        "stops (*)")
    return text
