"""Reports, a page each: what a training came to, and every gradient beside its central difference."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import islice
from typing import NamedTuple

from ..config.schema import FIELDS, Settings
from ..config.toml_files import read_toml
from ..data.corpus import Corpus, held_out, open_corpus
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.evaluate import unigram_perplexity
from ..inference.gradient_reach import longest, reach
from ..inference.occurrences import Occurrence, default_words, samples
from ..inference.sampling import sample
from ..inference.token_indexer import token_indexer
from ..io.run_directory import RunDirectory
from ..nn.gradcheck import TOLERANCE, Row
from ..runtime.progress import Progress
from ..training.metrics import best_validation, read
from .chart import Line, log_chart
from .geometry import views
from .page import check_target, page, table, write

Versions = Sequence[tuple[str, str]]
SAMPLES, LONGEST = 5, 30                # sentences drawn in each direction, words of one at most
WORDS, MOST, NEIGHBOURS = 3, 300, 4     # of the neighbours' section: words, occurrences looked among, lines an example
READ, SHORTEST = 2000, 4                # of the reach: sentences to choose from, and what is no curve below it
PLACES = 21                             # and its places, the word read last with them


class Finished(NamedTuple):
    """A run that a report is about."""

    elmo: ELMo
    settings: Settings
    rows: list[dict[str, str]]          # of metrics.csv
    corpus: Corpus | None               # None: it is not there any more, or was given from Python
    valid: Corpus | None                # what was validated on, likewise
    unigram: float | None               # perplexity of the unigram model on that
    versions: Versions
    progress: Progress


def training_report(folder: RunDirectory, out: str | os.PathLike[str], versions: Versions, quiet: bool = False) -> None:
    """Write the page of a run. versions: what ran it, (name, value). Raises UserError: no run there, or as `write`."""
    check_target(out)
    with Progress(quiet=quiet) as progress:
        write(out, training_page(_finished(folder, versions, progress)))


def training_page(run: Finished) -> str:
    """The sections of SECTIONS under their headings."""
    body = "\n".join(f"<section><h2>{escape(heading)}</h2>\n{section(run)}</section>"
                     for heading, section in SECTIONS.items())
    title = f"A language model of {os.path.basename(run.settings.data.corpus or '') or 'a corpus'}"
    return page(title, f"<main><h1>{escape(title)}</h1>\n{body}</main>", styles=["reports.css"])


def _finished(folder: RunDirectory, versions: Versions, progress: Progress) -> Finished:
    elmo, settings = ELMo.load(folder.path), read_toml(folder.config, Settings())
    data, seed = settings.data, settings.train.seed

    def opened(name: str | None) -> Corpus | None:
        try:
            return None if name is None else open_corpus(name, tokenize=data.tokenize, seed=seed)
        except UserError:               # the page says that it is gone
            return None
    corpus = opened(data.corpus)
    valid = held_out(corpus, data.held_out)[1] if data.valid is None and corpus is not None else opened(data.valid)
    progress.show("reading what was validated on")
    unigram = unigram_perplexity(elmo.vocabulary, valid) if valid is not None and elmo.vocabulary.counts else None
    return Finished(elmo, settings, read(folder.metrics), corpus, valid, unigram, versions, progress)


def _curves(run: Finished) -> str:
    """Perplexity against the tokens read."""
    lines: dict[tuple[str, str], list[tuple[float, float]]] = {
        (direction, split): [] for split in ("valid", "train") for direction in ("forward", "backward")}
    seen, sampled = 0, any(row["split"] == "sampled" for row in run.rows)
    for row in run.rows:
        seen += int(row["tokens"]) if row["split"] != "valid" else 0
        for direction in ("forward", "backward") if row["split"] != "sampled" else ():
            lines[direction, row["split"]].append((seen, float(row[f"{direction}_perplexity"])))
    if sampled:
        lines = {key: points for key, points in lines.items() if points}
    drawn = [Line(direction if split == "valid" else "", points, f"{direction} {split}", dots=split == "valid")
             for (direction, split), points in lines.items()]
    if run.unigram is not None:
        drawn.append(Line("unigram model", [(0, run.unigram), (seen, run.unigram)], "unigram"))
    thin = "The sampled losses of training are no perplexities, and are not drawn." if sampled else "Thin: training."
    return f"<p>With dots: held out, after every epoch. {thin}</p>" + log_chart(
        drawn, "tokens read, each direction", "perplexity, lower is better",
        "Perplexity of both directions against the tokens read; the table below has the figures held out")


def _perplexities(run: Finished) -> str:
    """The validation after every epoch; which one is the model that was kept."""
    valid = [row for row in run.rows if row["split"] == "valid"]
    best = best_validation(valid)
    rows = [(row["epoch"], f"{float(row['forward_perplexity']):,.2f}", f"{float(row['backward_perplexity']):,.2f}",
             row["learning_rate"], "the model kept" if row is best else "") for row in valid]
    says = f"On {int(valid[-1]['tokens']):,} held-out targets a direction, tokens and end marks." if valid else ""
    if run.unigram is not None:
        says += f" The unigram model, which sees no context, has {run.unigram:,.1f}."
    return f"<p>{says}</p>" + table(("epoch", "forward", "backward", "learning rate", ""), rows, numbers=(0, 1, 2, 3))


def _reach(run: Finished) -> str:
    """How long the gradient of one word's loss is at the words before it, in both directions."""
    if run.valid is None:
        return "<p>What was validated on is not there to look in.</p>"
    run.progress.show("following gradients back")
    sentences, joined = list(islice(run.valid, READ)), run.settings.train.state == "carry"
    marks = 0 if joined else 1          # of whole sentences the farthest place is the mark, which tells nothing
    K = longest(sentences, joined, PLACES + marks)
    if K - marks < SHORTEST:
        return "<p>What was validated on is too short to look back in.</p>"
    found = reach(run.elmo.model, token_indexer(run.elmo.model, run.elmo.vocabulary), sentences, K, joined=joined)
    if not (found.forward[0] > 0 and found.backward[0] > 0):
        return "<p>The gradients are zero, or no numbers.</p>"
    shares = {name: lengths[:K - marks] / lengths[0] for name, lengths in
              (("forward", found.forward), ("backward", found.backward))}
    cut = f" Training cuts the gradients every {run.settings.train.steps} words." if joined else ""
    says = ("<p>How much would the prediction of a word change if the vector of a word read before it did? The length "
            "of the gradient of the loss with respect to that vector, the mean over "
            f"{found.targets} held-out words, as a share of what it is at the word read last: {found.forward[0]:.2g} "
            f"forward, {found.backward[0]:.2g} backward.{cut}</p>")
    # A length of zero has no logarithm.
    lines = [Line(direction, [(k, y) for k, y in enumerate(share.tolist()) if y > 0], direction, dots=True)
             for direction, share in shares.items()]
    rows = [(k, *(f"{100 * share[k]:.3g} %" for share in shares.values())) for k in (1, 2, 3, 5, 10, 15, 20)
            if k < K - marks]
    return says + log_chart(
        lines, "words back", "length of the gradient (1: the word read last)",
        "Length of the gradient against the distance in words, both directions; the table below has some of the figures"
    ) + table(("words back", *shares), rows, numbers=(0, 1, 2))


def _neighbours(run: Finished) -> str:
    """Two unlike uses of some words, each with the occurrences nearest to it by v_t."""
    if run.corpus is None:
        return "<p>The corpus is not there to look in.</p>"
    vocabulary = run.elmo.vocabulary
    try:
        counts = dict(zip(vocabulary.words, vocabulary.counts or [], strict=False))
        words = default_words(run.corpus, counts, token_indexer(run.elmo.model, vocabulary), WORDS)
    except UserError:
        return "<p>No content word occurs twice.</p>"
    chosen = samples(run.corpus, words, MOST, run.progress)
    says = ("<p>Two unlike uses of frequent words, and the occurrences nearest to each by <i>v</i><sub>t</sub>, with "
            "their cosine. To look at all of them: <code>elmo-np explore</code>.</p>")
    return says + "".join(html for sample in chosen for html in _uses(run.elmo, sample.word, sample.shown))


def _uses(elmo: ELMo, word: str, shown: Sequence[Occurrence]) -> Iterator[str]:
    last = views(elmo, shown)[-1]
    order = last.points[:, 0].argsort(kind="stable")
    inside = len(order) // 20           # the outermost occurrences are oddities
    yield f"<h3>{escape(word)}</h3>"
    for i in dict.fromkeys((int(order[inside]), int(order[-1 - inside]))):
        lines = [_line("", shown[i])]
        if last.near is not None and last.similarity is not None:
            near = [(k, s) for k, s in zip(last.near[i], last.similarity[i], strict=True) if k >= 0]
            lines += [_line(f"{s:.2f}", shown[k]) for k, s in near[:NEIGHBOURS]]
        yield f'<ol class="near">{"".join(lines)}</ol>'


def _line(similarity: str, occurrence: Occurrence) -> str:
    words, t = occurrence.sentence, occurrence.position
    left, word, right = (escape(" ".join(part)) for part in (words[:t], words[t:t + 1], words[t + 1:]))
    return (f'<li><span class="similarity">{similarity}</span><span class="line"><span><span>{left}</span></span>'
            f"<mark>{word}</mark><span>{right}</span></span></li>")


def _samples(run: Finished) -> str:
    """Sentences drawn from both directions, as the model expects them."""
    seed = run.settings.train.seed
    return "<p>Drawn word by word with temperature 1, the backward ones from their last word on.</p>" + "".join(
        f"<h3>{direction}</h3><ul class=\"samples\">" + "".join(
            f"<li>{escape(' '.join(found.words))}{'' if found.ended else ' …'}</li>" for found in sample(
                run.elmo, direction=direction, count=SAMPLES, length=LONGEST, seed=seed)) + "</ul>"
        for direction in ("forward", "backward"))


def _configuration(run: Finished) -> str:
    rows = [(name, "none" if (value := getattr(getattr(run.settings, part), name)) is None else value,
             field.metadata["doc"]) for part, fields in FIELDS.items() for name, field in fields.items()]
    return table(("setting", "value", "meaning"), rows)


def _versions(run: Finished) -> str:
    return table(("", ""), run.versions)


# The sections of a training's page, in order: a heading, and what writes the HTML below it. One more is a line.
SECTIONS: dict[str, Callable[[Finished], str]] = {
    "Curves": _curves, "Perplexities": _perplexities, "How far back gradients reach": _reach,
    "Samples": _samples, "Neighbours": _neighbours, "Configuration": _configuration, "Versions": _versions}


class Checked(NamedTuple):
    """A case of a gradient check: the rows of each backend, in the same order."""

    name: str
    tables: Sequence[Sequence[Row]]


def gradcheck_page(backends: Sequence[str], checked: Sequence[Checked], versions: Versions) -> str:
    """Every array with its error on every backend."""
    rows = [row for case in checked for one in case.tables for row in one]
    wrong = [f"{backend}, {case.name}: {row}" for case in checked
             for backend, one in zip(backends, case.tables, strict=True) for row in one if not row.ok()]
    arrays = sum(len(case.tables[0]) for case in checked)
    says = (f"{arrays} arrays, {sum(row.checked for case in checked for row in case.tables[0]):,} numbers, on "
            f"{' and '.join(backends)}: the largest relative error is {max(row.error for row in rows):.1e}, allowed is "
            f"{TOLERANCE:.0e}. " + (f"{len(wrong)} are wrong." if wrong else "All are right."))
    body = [f"<main><h1>Gradients</h1><p>{escape(says)}</p>",
            "<p>The backward pass against central differences in float64. The error of an array is that of its worst "
            "number: the distance of both, over the largest sum of their magnitudes in the array.</p>"]
    if wrong:
        body.append("<h2>Wrong</h2>" + table(("",), [(line,) for line in wrong]))
    for case in checked:
        body.append(f"<h2>{escape(case.name)}</h2>" + table(
            ("array", "numbers", *backends),
            [(one[0].array, f"{one[0].checked:,}", *(_error(row) for row in one))
             for one in zip(*case.tables, strict=True)], numbers=range(1, 2 + len(backends)), kind="checks"))
    body.append("<h2>Versions</h2>" + table(("", ""), versions) + "</main>")
    return page("Gradients", "\n".join(body), styles=["reports.css"])


def _error(row: Row) -> str:
    return f"{row.error:.1e}" + ("" if row.ok() else " WRONG")
