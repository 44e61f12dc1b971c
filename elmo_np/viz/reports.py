"""HTML reports, one page each: the results of a training run, and every gradient next to its central difference."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..config.directions import by_direction
from ..config.schema import FIELDS, Settings
from ..config.toml_files import read_toml
from ..data.corpus import Corpus, corpus_name
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.evaluate import perplexity_text, unigram_perplexity
from ..inference.gradient_reach import Reach, longest, reach
from ..inference.occurrences import Occurrence, default_words, samples
from ..inference.sampling import sample
from ..inference.token_indexer import token_indexer
from ..io.run_directory import RunDirectory
from ..io.training_corpus import training_corpus, validation_text
from ..nn.gradcheck import TOLERANCE, Row
from ..runtime.progress import Progress
from ..training.metrics import best_validation, directions_of, read
from ..types import Array
from .chart import Line, log_chart
from .geometry import View, opposite_ends, views
from .page import check_target, concordance, page, table, write
from .plots import perplexity_curves

Versions = Sequence[tuple[str, str]]
SAMPLES, LONGEST = 5, 30                # sampled sentences per direction, and their maximum length in words
WORDS, MOST, NEIGHBOURS = 3, 300, 4     # neighbours: words, occurrences compared per word, lines per example
SENTENCES, TOKENS = 2000, 100_000       # reach of gradients: sentences to choose from, and their words, about
POSITIONS, SHORTEST = 21, 4             # and how many positions are shown, at most and at least


class Finished(NamedTuple):
    """The run that a report describes."""

    elmo: ELMo
    settings: Settings
    rows: list[dict[str, str]]          # of metrics.csv
    corpus: Corpus | None               # None: it no longer exists, has changed, or was given from Python
    valid: Corpus | None                # the validation text, likewise
    unigram: float | None               # perplexity of the unigram model on the validation text
    versions: Versions
    progress: Progress


def training_report(run: RunDirectory, out: str | os.PathLike[str], versions: Versions, quiet: bool = False,
                    named: bool = False) -> None:
    """Write the page of a run. Raises UserError: no run, or as `write`.

    versions    (name, value) of the software
    named       the person has just named the corpora; otherwise others than the model was trained on are left out
    """
    check_target(out)
    with Progress(quiet=quiet) as progress:
        write(out, training_page(_finished(run, versions, progress, named)))


def training_page(run: Finished) -> str:
    """The sections of SECTIONS with their headings."""
    sections = [f"<section><h2>{escape(heading)}</h2>\n{section(run)}</section>"
                for heading, section in SECTIONS.items()]
    title = f"A language model of {corpus_name(run.settings.data.corpus or 'a corpus')}"
    body = "\n".join(sections)
    return page(title, f'<main class="report"><h1>{escape(title)}</h1>\n{body}</main>', styles=["reports.css"])


def _finished(run: RunDirectory, versions: Versions, progress: Progress, named: bool = False) -> Finished:
    elmo = ELMo.load(run.path)
    settings = read_toml(run.config, Settings())
    progress.show("reading the validation text")
    corpus, valid = (_if_available(of, run, settings, named) for of in (training_corpus, validation_text))
    unigram = unigram_perplexity(elmo.vocabulary, valid) if valid is not None and elmo.vocabulary.counts else None
    return Finished(elmo, settings, read(run.metrics), corpus, valid, unigram, versions, progress)


def _if_available(opened: Callable[[Path, Settings, bool], Corpus], run: RunDirectory, settings: Settings,
                  named: bool) -> Corpus | None:
    """None where the text no longer exists, or is another by now: the page then reports that."""
    try:
        return opened(run.path, settings, named)
    except UserError:
        return None


def _curves(run: Finished) -> str:
    """Perplexity against the number of tokens read."""
    curves, directions = perplexity_curves(run.rows), run.elmo.model.lms
    lines = [Line(direction, curves.get((direction, "valid"), ()), f"{direction} valid", dots=True)
             for direction in directions]
    lines += [Line("", curves.get((direction, "train"), ()), f"{direction} train") for direction in directions]
    if run.unigram is not None:
        tokens = sum(int(row["tokens"]) for row in run.rows if row["split"] != "valid")
        lines.append(Line("unigram", [(0, run.unigram), (tokens, run.unigram)], "unigram"))
    if any(row["split"] == "sampled" for row in run.rows):
        train = "Sampled training losses are not perplexities and are not shown."
    else:
        train = "Thin lines: training."
    chart = log_chart(lines, "tokens read per direction", "perplexity (lower is better)",
                      "Perplexity of each direction against the number of tokens read; the table below gives the "
                      "held-out values")
    return f"<p>Lines with dots: held-out text. {train}</p>{chart}"


def _perplexities(run: Finished) -> str:
    """The last validation of each epoch, and the one whose model was kept."""
    valid = [row for row in run.rows if row["split"] == "valid"]
    best = best_validation(valid)
    text = ""
    if valid:
        text = f"On {int(valid[-1]['tokens']):,} held-out targets per direction (tokens and sentence ends)."
    if run.unigram is not None:
        text += f" The unigram model, which sees no context, has a perplexity of {run.unigram:,.1f}."
    last = {row["epoch"]: row for row in valid}      # of each epoch: eval_every may have asked for several
    if best and best["epoch"] != valid[-1]["epoch"]:
        text += f" Best at epoch {best['epoch']} of {valid[-1]['epoch']}, worse since."
    directions = directions_of(valid[0]) if valid else []
    rows = [(_epoch(row, last), *(_figure(row[f"{direction}_perplexity"]) for direction in directions),
             row["learning_rate"], "best: the model kept" if row is best else "")
            for row in valid if row is best or row is last[row["epoch"]]]
    titles = ("epoch", *directions, "learning rate", "")
    return f"<p>{text}</p>" + table(titles, rows, numbers=range(len(titles) - 1))


def _epoch(row: Mapping[str, str], last: Mapping[str, Mapping[str, str]]) -> str:
    return row["epoch"] if row is last[row["epoch"]] else f"{row['epoch']}, step {row['step']}"


def _figure(perplexity: str) -> str:
    """A cell of metrics.csv, which is blank where the loss is far too high."""
    if perplexity == "":
        return "too high"
    value = float(perplexity)
    return f"{value:,.2f}" if value < 1e7 else perplexity_text(value)


def _reach(run: Finished) -> str:
    """The norm of the gradient of a word's loss at the words before it, in each direction."""
    if run.valid is None:
        return "<p>The validation text is no longer available, or has changed.</p>"
    run.progress.show("following gradients back")
    sentences = list(_beginning(run.valid))
    joined = run.settings.train.state == "carry"
    boundary = 0 if joined else 1       # in whole sentences the last position is the boundary, which tells nothing
    K = longest(sentences, joined, POSITIONS + boundary)
    if K - boundary < SHORTEST:
        return "<p>The sentences of the validation text are too short for this.</p>"
    found = reach(run.elmo.model, token_indexer(run.elmo.model, run.elmo.vocabulary), sentences, K, joined=joined)
    norms = by_direction(found)
    if not all(norm[0] > 0 for norm in norms.values()):
        return "<p>The gradients are zero or not finite.</p>"
    shares = {direction: norm[:K - boundary] / norm[0] for direction, norm in norms.items()}
    return _reach_text(run, found, joined) + _reach_chart(shares) + _reach_table(shares)


def _beginning(corpus: Corpus) -> Iterator[Sequence[str]]:
    """The first sentences of a text, fewer of them if they are long documents."""
    read = 0
    for sentence in islice(corpus, SENTENCES):
        yield sentence
        read += len(sentence)
        if read > TOKENS:
            return


def _reach_text(run: Finished, found: Reach, joined: bool) -> str:
    cut = f" Training truncates gradients after {run.settings.train.steps} words." if joined else ""
    nearest = " and ".join(f"{norm[0]:.2g} {direction}" for direction, norm in by_direction(found).items())
    return ("<p>How much would the prediction of a word change if the vector of an earlier word changed? The curves "
            "show the norm of the gradient of the loss with respect to that vector, averaged over "
            f"{found.targets} held-out words and relative to the norm for the most recent word, which is {nearest}."
            f"{cut}</p>")


def _reach_chart(shares: Mapping[str, Array]) -> str:
    lines = []
    for direction, share in shares.items():
        points = [(k, y) for k, y in enumerate(share.tolist()) if y > 0]        # zero has no logarithm
        lines.append(Line(direction, points, direction, dots=True))
    return log_chart(lines, "words back", "gradient norm (1: the most recent word)",
                     "Gradient norm against the distance in words, in each direction; the table below gives some of "
                     "the values")


def _reach_table(shares: Mapping[str, Array]) -> str:
    rows = [(k, *(f"{100 * share[k]:.3g}%" for share in shares.values()))
            for k in (1, 2, 3, 5, 10, 15, 20) if k < min(map(len, shares.values()))]
    return table(("words back", *shares), rows, numbers=range(1 + len(shares)))


def _neighbours(run: Finished) -> str:
    """Two contrasting uses of some words, each with its nearest occurrences by v_t."""
    if run.corpus is None:
        return "<p>The corpus is no longer available, or has changed.</p>"
    vocabulary = run.elmo.vocabulary
    counts = dict(zip(vocabulary.words, vocabulary.counts or [], strict=False))
    try:
        words = default_words(run.corpus, counts, token_indexer(run.elmo.model, vocabulary), WORDS)
    except UserError:
        return "<p>No content word occurs twice.</p>"
    html = ("<p>Two contrasting uses of frequent words, each with its nearest occurrences by <i>v</i><sub>t</sub> and "
            "their cosine similarities. To explore all occurrences, run <code>elmo-np explore</code>.</p>")
    chosen = samples(run.corpus, words, MOST, run.progress)
    for own, found in zip(chosen, views(run.elmo, [own.shown for own in chosen]), strict=True):
        html += f"<h3>{escape(own.word)}</h3>" + "".join(_uses(found[-1], own.shown))
    return html


def _uses(last: View, shown: Sequence[Occurrence]) -> Iterator[str]:
    """Two contrasting occurrences, each with those nearest to it by the last view."""
    for i in dict.fromkeys(opposite_ends(last.points)):
        lines = [concordance("", shown[i])]
        if last.near is not None and last.similarity is not None:
            near = [(k, s) for k, s in zip(last.near[i], last.similarity[i], strict=True) if k >= 0]
            lines += [concordance(f"{s:.2f}", shown[k]) for k, s in near[:NEIGHBOURS]]
        yield f'<ol class="near">{"".join(lines)}</ol>'


def _samples(run: Finished) -> str:
    """Sentences sampled from each direction: what the model expects."""
    html = "<p>Sampled word by word at temperature 1. Backward samples begin with their last word.</p>"
    for direction in run.elmo.model.lms:
        items = ""
        for found in sample(run.elmo, direction=direction, count=SAMPLES, length=LONGEST,
                            seed=run.settings.train.seed):
            items += f'<li dir="auto">{escape(" ".join(found.words))}{"" if found.ended else " …"}</li>'
        html += f'<h3>{direction}</h3><ul class="samples">{items}</ul>'
    return html


def _configuration(run: Finished) -> str:
    rows = []
    for part, fields in FIELDS.items():
        settings = getattr(run.settings, part)
        for name, field in fields.items():
            value = getattr(settings, name)
            rows.append((name, "none" if value is None else value, field.metadata["doc"]))
    return table(("setting", "value", "meaning"), rows)


def _versions(run: Finished) -> str:
    return table(("", ""), run.versions)


# The sections of a training report in order: heading, and the function that returns the HTML below it.
SECTIONS: dict[str, Callable[[Finished], str]] = {
    "Curves": _curves, "Perplexities": _perplexities, "How far back gradients reach": _reach,
    "Samples": _samples, "Neighbours": _neighbours, "Configuration": _configuration, "Versions": _versions}


class Checked(NamedTuple):
    """A case of a gradient check: one list of rows per backend, in the same order."""

    name: str
    tables: Sequence[Sequence[Row]]


def gradcheck_page(backends: Sequence[str], checked: Sequence[Checked], versions: Versions) -> str:
    """Every array with its error on each backend."""
    wrong = _wrong(backends, checked)
    body = [f"<main><h1>Gradients</h1><p>{escape(_verdict(backends, checked, len(wrong)))}</p>",
            "<p>Gradients of the backward pass compared with central differences, in float64. The error of an array is "
            "that of its worst element: the absolute difference, divided by the maximum over the array of the sum of "
            "both magnitudes.</p>"]
    if wrong:
        body.append("<h2>Wrong</h2>" + table(("",), [(line,) for line in wrong]))
    for case in checked:
        rows = [(row[0].array, f"{row[0].checked:,}", *map(_error, row)) for row in zip(*case.tables, strict=True)]
        body.append(f"<h2>{escape(case.name)}</h2>" + table(
            ("array", "elements", *backends), rows, numbers=range(1, 2 + len(backends)), kind="checks"))
    body.append("<h2>Versions</h2>" + table(("", ""), versions) + "</main>")
    return page("Gradients", "\n".join(body), styles=["reports.css"])


def _wrong(backends: Sequence[str], checked: Sequence[Checked]) -> list[str]:
    """A line for each wrong array of each backend."""
    wrong = []
    for case in checked:
        for backend, rows in zip(backends, case.tables, strict=True):
            wrong += [f"{backend}, {case.name}: {row}" for row in rows if not row.ok()]
    return wrong


def _verdict(backends: Sequence[str], checked: Sequence[Checked], wrong: int) -> str:
    first = [row for case in checked for row in case.tables[0]]
    worst = max(row.error for case in checked for rows in case.tables for row in rows)
    return (f"{len(first)} arrays, {sum(row.checked for row in first):,} elements, on {' and '.join(backends)}: the "
            f"maximum relative error is {worst:.1e}, the tolerance {TOLERANCE:.0e}. "
            + (f"{wrong} are wrong." if wrong else "All are correct."))


def _error(row: Row) -> str:
    return f"{row.error:.1e}" + ("" if row.ok() else " WRONG")
