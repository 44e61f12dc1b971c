"""The sheet tutorials/equations.md and the tags in the code say the same."""

import ast
import importlib
import inspect
import io
import re
import tokenize
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from elmo_np import backend
from elmo_np.config.cells import CELLS

ROOT = Path(__file__).parents[2]
SHEET = (ROOT / "tutorials" / "equations.md").read_text(encoding="utf-8")
PYTHON = {f"elmo_np/{path.relative_to(ROOT / 'elmo_np').as_posix()}": path.read_text(encoding="utf-8")
          for path in sorted((ROOT / "elmo_np").rglob("*.py"))}
KERNELS = {f"kernels/{path.name}": path.read_text(encoding="utf-8")
           for path in sorted((ROOT / "kernels").iterdir()) if path.suffix in (".h", ".pxi", ".pyx")}

# "## The recurrence (L): `elmo_np/nn/lstm.py`": which letter belongs to which module, or modules ("`...` and `...`")
LETTERS = {letter: re.findall(r"`(.*?)`", modules)
           for letter, modules in re.findall(r"^## .*\(([A-Z])\): (`elmo_np/.*`)$", SHEET, re.MULTILINE)}
# Of cells besides the LSTM: they need not be in README.md and cheat-sheet.md, so that adding one touches four files.
OTHER_CELLS = {letter for letter, modules in LETTERS.items() for name, kind in CELLS.items()
               if name != "lstm" and modules == [f"{kind.layer.rpartition('.')[0].replace('.', '/')}.py"]}
DEFINITION = re.compile(r"^\*\*\(([A-Z]\d+)\)\*\*", re.MULTILINE)        # bold and first on its line: **(L3)**
DEFINED = DEFINITION.findall(SHEET)
NO_BACKWARD = "OPMXJI"   # updates, perplexities, predictions, searches, comparisons have no gradient; all others have
CONSTANT = {"N2", "Q1", "Q2"}     # depend on no parameter
TAG = re.compile(r"\(([A-Z])(\d+)\)(?:-\(\1(\d+)\))?")


def tags(text):
    """The tags in a text, ranges written out: "(L1), (L5)-(L3)" -> {L1, L3, L4, L5}."""
    found = set()
    for letter, first, last in TAG.findall(text):
        low, high = sorted((int(first), int(last or first)))
        found |= {f"{letter}{number}" for number in range(low, high + 1)}
    return found


@cache
def python_comments(source):
    """(line number, comment, whether code stands before it) of every comment."""
    return [(token.start[0], token.string, bool(token.line[:token.start[1]].strip()))
            for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type == tokenize.COMMENT]


def kernel_comments(source, suffix):
    """The same of a kernel. In C, comments that begin and end on one line: longer ones are headings."""
    pattern = r"^(.*?)/\*(.*)\*/\s*$" if suffix == ".h" else r"^([^#]*)#(.*)$"
    for number, line in enumerate(source.splitlines(), 1):
        if match := re.match(pattern, line):
            yield number, match[2], bool(match[1].strip())


def tagged_lines(file):
    """{line number: tags} of the lines of code in a file that carry a tag."""
    source = {**PYTHON, **KERNELS}[file]
    if not TAG.search(source):
        return {}           # taking all sources apart would take seconds
    comments = python_comments(source) if file in PYTHON else kernel_comments(source, Path(file).suffix)
    return {number: tags(comment) for number, comment, code in comments if code and tags(comment)}


def python_functions(source):
    """{"Class.function" or "function": its node}, those inside functions left out."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}": inner for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return found


def kernel_functions(source, suffix):
    """{name: (first line, last line)}: a function begins in the first column and ends where the next one begins."""
    pattern = r"^(?:INLINE|static)\b.*?\bNAME\((\w+)\)\(" if suffix == ".h" else r"^c?p?def .*?(\w+)\("
    lines = source.splitlines()
    starts = [(number, match[1]) for number, line in enumerate(lines, 1) if (match := re.match(pattern, line))]
    ends = [number - 1 for number, _ in starts[1:]] + [len(lines)]
    return {name: (start, end) for (start, name), end in zip(starts, ends, strict=True)}


def spans(file):
    """{function: (first line, last line)} of a file."""
    if file in KERNELS:
        return kernel_functions(KERNELS[file], Path(file).suffix)
    return {name: (node.lineno, node.end_lineno) for name, node in python_functions(PYTHON[file]).items()}


def tags_by_function(file):
    """{function: tags} of the functions of a file that carry one."""
    lines = tagged_lines(file)
    found = {name: set().union(*(lines[n] for n in range(first, last + 1) if n in lines))
             for name, (first, last) in spans(file).items()}
    return {name: carried for name, carried in found.items() if carried}


def runs_forward(name, node):
    """Everything is, but functions named or documented as the reverse of an equation."""
    return "backward" not in name.lower() and not (ast.get_docstring(node) or "").startswith("Reverse")


def runs_backward(name, node):
    """Named backward, or documented to be or to hold a reverse ("(S2), (S3) and their reverse")."""
    return "backward" in name.lower() or "reverse" in (ast.get_docstring(node) or "").lower()


def tables():
    """{file: {function: tags}} as the sheet's tables have it: the first cell is a file, the others name functions."""
    found = {}
    for file, cells in re.findall(r"^\| `((?:elmo_np|kernels)/[\w./]+)` \|(.*)\|$", SHEET, re.MULTILINE):
        functions = found.setdefault(file, {})
        for name, text in re.findall(r"`([\w.]+)`([^`]*)", cells):
            functions.setdefault(name, set()).update(tags(text))
    return found


@cache
def in_code():
    """{file: tags} of the files that carry one."""
    found = {file: tagged_lines(file) for file in [*PYTHON, *KERNELS]}
    return {file: set().union(*lines.values()) for file, lines in found.items() if lines}


def test_every_equation_is_defined_once():
    assert DEFINED
    assert sorted(DEFINED) == sorted(set(DEFINED))
    assert SHEET.count("**(") == len(DEFINED), "a tag is bold where it is defined, and plain elsewhere"


def test_equations_stand_in_reading_order_in_the_section_of_their_letter():
    sections = re.split(r"^## ", SHEET, flags=re.MULTILINE)
    for letter in LETTERS:
        section, = (text for text in sections if f"({letter}): `" in text.partition("\n")[0])
        own = DEFINITION.findall(section)
        assert own == [f"{letter}{number}" for number in range(1, len(own) + 1)]
    assert {tag[0] for tag in DEFINED} == set(LETTERS)


def test_the_contents_list_every_section_with_its_letter_and_its_module():
    contents, *sections = re.split(r"^## ", SHEET, flags=re.MULTILINE)
    rows = re.findall(r"^\| ([A-Z]?) ?\| \[([^]]+)\]\(#[\w-]+\) \|([^|]*)\|", contents, re.MULTILINE)
    listed = []
    for letter, title, cell in rows:
        modules = " and ".join(f"`{module}`" for module in re.findall(r"\]\(\.\./([\w./]+)\)", cell))
        listed.append(f"{title} ({letter}): {modules}" if letter else title)
    assert listed == [section.partition("\n")[0] for section in sections]


def derived(section):
    """The tags whose way back a section derives: those that "*(L6), backward.*" names, and before a "*Backward.*" all
    that are defined above it."""
    found = set()
    for match in re.finditer(r"^\*(.*?)[Bb]ackward\.\*", section, re.MULTILINE):
        found |= tags(match[1]) or set(DEFINITION.findall(section[:match.start()]))
    return found


def test_every_equation_has_its_derivation_or_is_said_to_have_no_gradient():
    for section in re.split(r"^## ", SHEET, flags=re.MULTILINE):
        own = set(DEFINITION.findall(section))
        if {tag[0] for tag in own} & set(NO_BACKWARD):
            assert re.search(r"no\s+(gradient|backward\s+pass)", section), section[:40]
        else:
            assert own - CONSTANT <= derived(section), section[:40]


def test_a_derivation_counts_for_what_it_names_or_for_what_stands_above_it():
    assert derived("**(L1)** a\n\n*Backward.* As b.\n\n**(L2)** c\n") == {"L1"}
    assert derived("**(L1)** a\n\n**(L2)** c\n\n**(L3)** d\n\n*(L3) and (L2), backward.* e\n") == {"L2", "L3"}


def test_every_tag_in_the_code_is_defined_on_the_sheet():
    for file, found in in_code().items():
        assert found <= set(DEFINED), file


def test_every_tag_on_the_sheet_stands_in_its_module():
    for letter, modules in LETTERS.items():
        found = set().union(*(in_code()[file] for file in modules))
        assert {tag for tag in DEFINED if tag[0] == letter} == found, modules


def test_a_module_and_its_kernel_carry_their_own_letter_only():
    own = {Path(module).stem: letter for letter, modules in LETTERS.items() for module in modules}
    for file, found in in_code().items():
        assert {tag[0] for tag in found} == {own.get(Path(file).stem)}, file


def test_prose_mentions_defined_tags_only():
    for file in [*chain(*LETTERS.values()), *KERNELS]:
        assert tags({**PYTHON, **KERNELS}[file]) <= set(DEFINED), file
    assert tags(SHEET) <= set(DEFINED)


def test_a_module_docstring_lists_the_equations_of_the_sheet():
    for letter, modules in LETTERS.items():
        mentioned = set().union(*(tags(ast.get_docstring(ast.parse(PYTHON[module]))) for module in modules))
        assert {tag for tag in mentioned if tag[0] == letter} == {tag for tag in DEFINED if tag[0] == letter}, modules


def test_a_line_with_a_tag_is_code():
    for file, source in PYTHON.items():
        for number, comment, code in python_comments(source) if TAG.search(source) else ():
            assert code or not tags(comment), f"{file}:{number}"


@pytest.mark.parametrize("direction", [runs_forward, runs_backward])
def test_every_equation_stands_in_a_forward_and_in_a_backward_function(direction):
    for letter, (module, *_) in LETTERS.items():
        if letter in NO_BACKWARD:
            continue
        carried, functions = tags_by_function(module), python_functions(PYTHON[module])
        found = set().union(*(carried[name] for name in carried if direction(name, functions[name])))
        constant = CONSTANT if direction is runs_backward else set()
        assert {tag for tag in DEFINED if tag[0] == letter} - found - constant == set(), module


def test_a_kernel_carries_the_tags_of_its_reference():
    for file, source in PYTHON.items():
        if re.search(r"^@twin$", source, re.MULTILINE):
            importlib.import_module(file.removesuffix(".py").replace("/", "."))     # fills the registry
    assert backend.TWINS
    for name, twin in backend.TWINS.items():
        needed = set().union(*(tags(comment) for _, comment, _ in python_comments(inspect.getsource(twin.reference))))
        kernel = f"kernels/{twin.reference.__module__.rpartition('.')[2]}.pxi"
        # matmul is not an equation: the lines that call it are
        assert needed or name == "matmul", f"{name} computes an equation without a tag"
        assert tags_by_function(kernel).get(name, set()) == needed, f"{name} in {kernel}"


def test_the_tables_name_every_function_that_carries_a_tag_and_its_tags():
    assert tables() == {file: tags_by_function(file) for file in in_code()}


def test_every_place_that_the_sheet_names_exists():
    for file in re.findall(r"`((?:elmo_np|kernels|tutorials|tests)/[\w./]+)`", SHEET):
        assert (ROOT / file).is_file(), file
    named = re.findall(r"`([\w.]+)` in\s+`((?:elmo_np|kernels)/[\w./]+)`", SHEET)
    assert named
    for name, file in named:
        classes = [node.name for node in ast.parse(PYTHON[file]).body if isinstance(node, ast.ClassDef)]
        assert name in [*spans(file), *classes], f"{name} in {file}"


ELSEWHERE = {"np.add.at", "AdaptiveLogSoftmaxWithLoss", "grad"}     # of NumPy, of PyTorch, of every Parameter


def test_a_section_names_what_is_in_its_module_or_a_setting():
    for section in re.split(r"^## ", SHEET, flags=re.MULTILINE):
        if letter := re.search(r"\(([A-Z])\): `", section.partition("\n")[0]):
            prose = re.sub(r"^```.*?^```$|^\|.*?$", "", section, flags=re.MULTILINE | re.DOTALL)
            prose = re.sub(r"`[\w.]+`\s+(?:in|of)\s+`(?:elmo_np|kernels)/[\w./]+`", "", prose)       # of another module
            code = "\n".join(PYTHON[file] for file in [*LETTERS[letter[1]], "elmo_np/config/schema.py"])
            names = set(re.findall(r"`([A-Za-z_][\w.]*)`", prose)) - ELSEWHERE
            assert {part for name in names for part in name.split(".")} <= set(re.findall(r"\w+", code)), letter[1]


def test_a_range_of_tags_is_every_tag_between():
    assert tags("(L5)-(L2), (S1)-(S1) and (O7)") == {"L2", "L3", "L4", "L5", "S1", "O7"}


def test_a_tag_in_a_string_or_a_heading_is_no_tag_of_a_line():
    python = 'def f():\n    """(L9)"""\n    # (L8)\n    return "# (L7)"  # (L1)\n'
    assert [(number, comment) for number, comment, code in python_comments(python) if code] == [(4, "# (L1)")]
    c = "/* (L9) */\nint x = 1;    /* (L1) */\n/* (L8)\n   (L7) */\n"
    assert [number for number, _, code in kernel_comments(c, ".h") if code] == [2]
