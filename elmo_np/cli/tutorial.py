"""`elmo-np tutorial`."""

from __future__ import annotations

import argparse
import difflib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..runtime.files import STDOUT, atomic_write_text
from ..runtime.progress import Progress
from ..tutorial.notebooks import write_notebook
from ..tutorial.pages import Page, Ran, all_pages, pages_named
from ..tutorial.project import installed
from .common import Add


def arguments(add: Add) -> None:
    add("names", nargs="*", metavar="NAME", help="the beginning of a page's name, such as 03, or 'all'; none: list "
        "the pages")
    add("--notebook", metavar="OUT", help="do not run the page, but write it as a Jupyter notebook: OUT is a file that "
        "ends in .ipynb, - for standard output or, also for several pages, a directory")
    add("--write", action="store_true", help="write what the page prints and draws into the project's own page")


def run(args: argparse.Namespace) -> int:
    if args.notebook is not None and args.write:
        raise UserError("--notebook and --write exclude each other: give one of them")
    if not args.names:
        return _list(args)
    if args.write and installed():
        raise UserError("--write changes the project's own pages, but this elmo_np is an installed copy: install it "
                        "with 'pip install -e .' in the project's directory")
    pages = pages_named(args.names)
    if args.notebook is not None:
        _write_notebooks(pages, args.notebook)
        return 0
    same = [_run(page, args.write) for page in pages]
    return 0 if all(same) else 1


def _list(args: argparse.Namespace) -> int:
    if args.notebook is not None or args.write:
        raise UserError("no tutorial is named: expected the beginning of a name, such as 03, or 'all'")
    for page in all_pages():
        print(f"{page.path.stem:32} {page.title}")
    print("\nelmo-np tutorial 03 runs a page; elmo-np tutorial 03 --notebook 03.ipynb makes a Jupyter notebook of it")
    return 0


def _write_notebooks(pages: Sequence[Page], out: str) -> None:
    single = out == STDOUT or out.endswith(".ipynb")
    if single and len(pages) > 1:
        raise UserError(f"{out} is one notebook, but {len(pages)} pages are named: expected a directory")
    if not single:
        if Path(out).suffix and not Path(out).is_dir() and not out.endswith("/"):
            raise UserError(f"{out} ends like a file of another format: expected a name that ends in .ipynb, or a "
                            "directory; one with a full stop in its name ends in /")
        _make_directory(Path(out))
    for page in pages:
        target = out if single else Path(out) / f"{page.path.stem}.ipynb"
        write_notebook(page, target)
        if target != STDOUT:
            print(f"{target}: open it in Jupyter")


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the directory {path}: {error.strerror}; expected a directory or a name that ends "
                        "in .ipynb") from error


def _run(page: Page, write: bool) -> bool:
    """Run a page and report -> whether it prints what it shows."""
    if page.lacks():
        print(f"{page.path.name}: not run, it needs {page.lacks()}")
        return False
    with tempfile.TemporaryDirectory(prefix="elmo_np-") as temporary:
        results, seconds = _results(page, page.path.parents[1] if write else Path(temporary))
    different = [ran for ran in results if not ran.same]
    for ran in different:
        print(_difference(page, ran))
    count = len(page.blocks())
    print(f"{page.path.name}: {len(results) - len(different)} of {count} blocks print what the page shows "
          f"({seconds:.1f} s)")
    if write and len(results) == count and not any(ran.failed for ran in results):
        atomic_write_text(page.path, page.with_output(results))
    return not different


def _results(page: Page, directory: Path) -> tuple[list[Ran], float]:
    start, results, count = time.perf_counter(), [], len(page.blocks())
    with Progress() as progress:
        progress.show(f"{page.path.name}: block 1 of {count}")
        for ran in page.run(directory):
            results.append(ran)
            progress.show(f"{page.path.name}: block {min(len(results) + 1, count)} of {count}")
    return results, time.perf_counter() - start


def _difference(page: Page, ran: Ran) -> str:
    """Which block printed something else, and the lines: "-" for those of the page, "+" for those printed."""
    shown, printed = ran.block.shown.splitlines(), ran.printed.splitlines()
    lines = [line for line in difflib.ndiff(shown, printed) if not line.startswith("?")]
    end = "; the rest of the page was not run" if ran.failed else ""
    head = f"{page.path.name}, block {ran.block.number}, line {ran.block.line}: expected (-) and got (+){end}"
    return "\n".join([head, *(f"    {line}" for line in lines)])
