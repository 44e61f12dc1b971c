"""The tutorials: what their code imports, and what runs the pages.

`show` and `show_kernel` print code from its source, `trained` makes a small model that is the same on every machine;
`pages` finds, runs and compares the pages in tutorials/, `notebooks` turns them into Jupyter notebooks, and `site` is
what a site of them needs besides Sphinx.

A newcomer may change everything here, except what the pages import: the names below and what they print.
"""

from .small_model import trained
from .source_lines import kernel_source, show, show_kernel

__all__ = ["kernel_source", "show", "show_kernel", "trained"]
