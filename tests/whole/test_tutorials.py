"""The tutorials: every block runs, in order, and prints the text below it; every figure is the one that the page draws.

`elmo-np tutorial 03 --write` writes what a page prints and draws into its files.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from elmo_np import backend
from elmo_np.nn.lstm import Clips, Weights, lstm_forward
from elmo_np.tutorial import kernel_source
from elmo_np.tutorial.pages import BLOCK, all_pages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tutorials"
IMAGES = FOLDER / "img"
PAGES = all_pages()         # the blocks of the guide run in test_readme.py, which trains the model that they load
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[([^\]]*)\]\(img/([\w.-]+)\)")
NUMBER = re.compile(r"(?<![\w#.])-?\d+(?:\.\d+)?(?!\w)")        # not inside a colour or an id
# Coordinates are points, 1/72 inch, with 6 decimals: the last may be rounded differently, and a hundredth is invisible.
POINT = 0.01


def parts(picture):
    """A figure's text without its numbers, and the numbers. Ids, which are hashes, are replaced by counters."""
    ids = {}
    picture = re.sub(r'data:image/png;base64,[^"]*', "", picture)     # a colour bar: zlib versions pack it differently
    for name in re.findall(r'\bid="([^"]+)"', picture):
        ids.setdefault(name, f"id{chr(97 + len(ids) % 26)}{'x' * (len(ids) // 26)}")
    picture = re.sub(r'(?<=["#])[\w.-]+(?=[")])', lambda match: ids.get(match[0], match[0]), picture)
    return NUMBER.sub("0", picture), [float(number) for number in NUMBER.findall(picture)]


def same_picture(one, other):
    (text, numbers), (text2, numbers2) = parts(one), parts(other)
    return text == text2 and all(abs(a - b) <= POINT for a, b in zip(numbers, numbers2, strict=True))


def drawn_with_this_matplotlib(picture):
    return f"Matplotlib v{matplotlib.__version__}," in picture


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_a_tutorial_prints_and_draws_what_it_shows(page, tmp_path):
    if page.lacks():
        pytest.skip(f"{page.path.name} needs {page.lacks()}")
    for ran in page.run(tmp_path):
        assert ran.printed == ran.block.shown, f"{page.path.name}, the block at line {ran.block.line}"
        assert ran.same
    made = {path.name for path in (tmp_path / "tutorials/img").iterdir()}
    assert made == {name for _, name in PICTURE.findall(page.source)}
    for name in made:
        committed = (IMAGES / name).read_text(encoding="utf-8")
        new = (tmp_path / "tutorials/img" / name).read_text(encoding="utf-8")
        assert new.startswith("<?xml")
        if drawn_with_this_matplotlib(committed):
            assert same_picture(new, committed), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_every_text_is_below_the_block_that_prints_it(page):
    source = page.source
    assert source.count("```text\n") == sum(match["text"] is not None for match in BLOCK.finditer(source))


def test_every_figure_is_drawn_by_one_tutorial_and_has_an_alternative_text():
    shown = [(text, name) for page in PAGES for text, name in PICTURE.findall(page.source)]
    assert sorted(name for _, name in shown) == sorted(path.name for path in IMAGES.glob("*.svg"))
    assert all(len(text) > 20 for text, _ in shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_a_tutorial_begins_with_its_aim_and_ends_with_exercises_and_answers(page):
    source = page.source
    title, blank, top = source.split("\n")[:3]
    assert title.startswith("# ")
    assert blank == ""
    assert re.search(r"^\*\*You will\*\* .*\*\*You need\*\* .*\*\*Time:\*\* about \d+ minutes", top)
    answers = re.findall(r"<details>\n<summary>.+?</summary>\n\n(.*?)\n</details>", source, re.DOTALL)
    assert len(answers) == source.count("<details>") == source.count("</details>") >= 2
    assert source.index("## Exercises") < source.index("<details>")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_every_number_in_the_prose_is_in_a_block_too(page):
    """Decimals and percentages only: integers are also steps, sizes and sections."""
    source = page.source
    blocks = "\n".join(FENCE.findall(source))
    prose = re.sub(r"\$[^$]*\$|`[^`]*`|\]\([^)]*\)", "", FENCE.sub("", source))
    claimed = re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)|\d+ %", prose)
    assert [claim for claim in claimed if claim.replace(" ", "") not in blocks] == []


def symbols(formulas):
    """The letters of formulas, Latin and Greek, without words; d is a differential and e with an exponent a number."""
    formulas = re.sub(r"\\(?:mathrm|text)\{[^}]*\}|\be\^", "", formulas)
    greek = re.findall(r"\\(?:var)?(alpha|beta|gamma|epsilon|theta|kappa|lambda|mu|sigma|phi)(?![a-z])", formulas)
    return {*greek, *re.findall(r"[a-zA-Z]", re.sub(r"\\[a-zA-Z]+", " ", formulas))} - {"d"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_every_symbol_of_a_formula_is_in_the_pages_table(page):
    """Except those that run over something, such as the k of a sum."""
    formulas = "\n".join(re.findall(r"^```math\n(.*?)^```$", page.source, re.MULTILINE | re.DOTALL))
    running = set(re.findall(r"\\(?:sum|prod|max|mathrm\{argmax\})_\{?([a-z])", formulas))
    before, head, after = page.source.partition("\n| symbol | meaning |")
    assert head
    assert "```math" not in before
    explained = symbols(" ".join(re.findall(r"\$[^$]*\$", after.partition("\n\n")[0])))
    assert symbols(formulas) - running - explained == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_an_inline_formula_ends_on_the_line_it_begins_on(page):
    """GitHub does not render one that is broken over two lines."""
    prose = FENCE.sub("", page.source)
    assert [line for line in prose.split("\n") if line.count("$") % 2] == []


def test_one_changed_number_makes_a_different_figure():
    picture = '<g id="ab1"><use xlink:href="#ab1" x="10.5"/><path clip-path="url(#ab1)" d="M 1.25 2"/></g>'
    assert same_picture(picture, picture.replace("ab1", "cd2").replace("1.25", "1.251"))
    assert not same_picture(picture, picture.replace("1.25", "1.35"))
    assert not same_picture(picture, picture.replace("use", "line"))
    assert not same_picture('<g style="fill: #3e4567"/>', '<g style="fill: #3e4568"/>')
    assert same_picture('<g style="fill: #3e4567"/>', '<g style="fill: #3e4567"/>')


def test_the_loop_and_the_program_that_tutorial_11_shows_without_running_them_run(tmp_path):
    """The naive loop is compiled as the page describes and compared; the program is run for a single round."""
    pytest.importorskip("Cython", reason="Cython, part of the extra [test], is not installed")
    pytest.importorskip("setuptools", reason="setuptools, part of the extra [test], is not installed")
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    page = (FOLDER / "11-numpy-to-cython.md").read_text(encoding="utf-8")
    (loop,), (program,) = (re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
                           for kind in ("cython", "py"))
    assert "\ncythonize -i naive.pyx\n" in page
    (tmp_path / "naive.pyx").write_text(loop, encoding="utf-8")
    environment = {**os.environ, "CFLAGS": "-O0", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    subprocess.run([sys.executable, "-m", "Cython.Build.Cythonize", "-i", "naive.pyx"], cwd=tmp_path, env=environment,
                   check=True, capture_output=True)
    made, = tmp_path.glob("naive.*.so")
    spec = importlib.util.spec_from_file_location("naive", made)
    naive = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(naive)
    T, B, D, H, rng = 3, 2, 5, 4, np.random.default_rng(0)
    args = [rng.normal(size=shape) for shape in ((T, B, D), (B, H), (B, H), (D, 4*H), (H, 4*H), (4*H,))]
    x, h0, c0, *weights = args
    _, h, c, _ = lstm_forward.reference(x, (h0, c0), Weights(*weights), np.full(B, T), Clips())
    for found, expected in zip(naive.naive_forward(*args), (h, c), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    if not backend.why_not():
        program = program.replace("ROUNDS, T = 9, 20", "ROUNDS, T = 1, 2")
        ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True,
                             capture_output=True, text=True)
        assert re.fullmatch(r"kernels: \w+\n(B +\d+  H +\d+  NumPy .* naive loop .* kernel .*\n){4}", ran.stdout)


def test_the_program_that_tutorial_19_shows_without_running_it_prints_lines_such_as_the_page_shows(capsys):
    """It is run for a single round with small matrices; the measured shares are not compared."""
    if backend.why_not():
        pytest.skip(f"there are no kernels: {backend.why_not()}")
    page = (FOLDER / "19-inside-the-kernel.md").read_text(encoding="utf-8")
    program, = re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shown, by_depth = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert "ROUNDS, SIZE = 9, 2048" in program
    with np.errstate(all="ignore"):         # so short a time may be 0 on a coarse clock
        exec(program.replace("ROUNDS, SIZE = 9, 2048", "ROUNDS, SIZE = 1, 64"), {})
    line = r" *\d+ rows at a time: \S+ \(\S+ to \S+\)\n"
    for text in shown, capsys.readouterr().out:
        assert re.fullmatch(rf"kernels: \w+, k in blocks of at most \d+\n({line}){{4}}", text)
    depth, = re.findall(r"#define K_BLOCK (\d+)", kernel_source("matmul.h"))
    assert re.search(rf"^K_BLOCK +{depth}: ", by_depth, re.MULTILINE)
