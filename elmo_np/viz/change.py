"""`elmo-np change`: a page about the uses of words in two corpora."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from ..inference.change import NAMES, Change, Distance
from ..inference.neighbours import principal_components
from ..runtime.threads import one_blas_thread
from .chart import scatter
from .explore import group_names
from .page import concordance, page, table

FARTHEST = 5        # uses per word and corpus
TITLES = {"apd": "average pairwise distance", "prt": "prototype distance", "jsd": "Jensen-Shannon divergence"}
ABOUT = """<p>Each word is compared by the contextual vectors of its uses, in sentences of both corpora. The
<i>average pairwise distance</i> (APD) is the mean of 1 − cosine over all pairs of a use in each corpus: it is also
high for a word that varies much in both. The <i>prototype distance</i> (PRT) is 1 − cosine of the two mean vectors:
how far the centre has moved. The <i>Jensen-Shannon divergence</i> (JSD) compares in bits, from 0 to 1, how the uses of
each corpus are shared out among clusters.</p>
<p>In brackets are 95 % intervals by bootstrap. PRT and JSD of samples are too high, because even two samples of the
same uses are some way apart; the intervals allow for this, so a value may be above its interval, and an interval that
begins at 0 shows no change. <i>p</i> is the share of shuffles of the uses between the corpora that are as far apart.
Where many words are compared, expect one in twenty with a <i>p</i> below 0.05 by chance. A distance may also come from
other topics or another kind of text: read the sentences.</p>"""


def change_page(names: tuple[str, str], sampled: str, rows: Sequence[Sequence[str]], sections: Sequence[str]) -> str:
    """The page. names: of the corpora; sampled: how; rows: cells of the table by `head`; sections: by `section`."""
    title = f"Change of meaning: {names[0]} and {names[1]}"
    body = f"<h1>{escape(title)}</h1>{ABOUT}<p>{escape(sampled)}</p>{table(head(names), rows, numbers=range(1, 9))}"
    return page(title, f'<main class="change">{body}{"".join(sections)}</main>', styles=["reports.css"])


def head(names: tuple[str, str]) -> list[str]:
    """The header of a table of words."""
    return ["word", *(f"uses in {name}" for name in names), *(cell for name in NAMES for cell in (name.upper(), "p")),
            "note"]


def cells(found: Change) -> list[str]:
    """A row of the table."""
    uses = [f"{count:,} of {total:,}" for count, total in zip(found.counts, found.totals, strict=True)]
    return [found.word, *uses, *(cell for name in NAMES for cell in _distance(found.distances.get(name))), found.note]


def _distance(found: Distance | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})", f"{found.p:.3f}"


def section(names: tuple[str, str], found: Change) -> str:
    """A word's uses as points, its clusters, and the uses that are farthest from those in the other corpus."""
    with one_blas_thread():             # the order of summation decides the bytes of the page
        points, share = principal_components(found.vectors)
    n, other = found.counts
    html = f"<section><h2>{escape(found.word)}</h2>"
    html += scatter([(float(x), float(y)) for x, y in points], ["first"] * n + ["second"] * other,
                    f"The uses of {found.word} as points; the tables below describe them")
    html += (f"<p>Dots: {escape(names[0])}; rings: {escape(names[1])}; along the two directions of largest variance "
             f"({share[0]:.0%} and {share[1]:.0%} of it).</p>")
    if "jsd" in found.distances:
        html += _clusters(names, found)
    for corpus, name in enumerate(names):
        uses = [concordance(f"{found.away[k]:.2f}", found.uses[k]) for k in found.farthest(corpus, FARTHEST)]
        html += (f"<h3>In {escape(name)}, farthest from the uses in {escape(names[1 - corpus])}</h3>"
                 f'<ol class="uses">{"".join(uses)}</ol>')
    return html + "</section>"


def _clusters(names: tuple[str, str], found: Change) -> str:
    """How the uses of each corpus are shared out, with the words that are typical of each cluster."""
    first = np.arange(len(found.groups)) < found.counts[0]
    rows = []
    for k, name in enumerate(group_names(found.uses, found.groups)):
        own = found.groups == k
        rows.append((name, f"{own[first].mean():.0%}", f"{own[~first].mean():.0%}"))
    return table(("cluster", *names), rows, numbers=(1, 2))
