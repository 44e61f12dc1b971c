"""Small mistakes in a source text, each of a known kind: what a planted bug and a typical slip look like.

Every rule looks at one expression or statement, and yields its kind and the text that replaces it. The rest of the
source, its layout and its comments stay as they are.
"""

import ast
import re
from collections.abc import Iterator

from .exercise import KINDS, Mistake

COUNT = re.compile(r"[NnBT]|len.*|cache\.N")      # a division by one of these makes a mean
MASKS = ("live", "mask", "kept", "own")


class Source:
    """A text and the nodes of its syntax tree, which refer to places in it."""

    def __init__(self, text: str):
        self.tree = ast.parse(text)
        self._bytes = text.encode()
        starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self._starts = starts

    def span(self, node: ast.AST) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset                 # type: ignore[attr-defined]
        end = self._starts[node.end_lineno - 1] + node.end_col_offset           # type: ignore[attr-defined]
        return start, end

    def between(self, start: int, end: int) -> str:
        return self._bytes[start:end].decode()

    def text(self, node: ast.AST) -> str:
        return self.between(*self.span(node))

    def with_text(self, node: ast.AST, new: str) -> str:
        """The whole source with a node replaced."""
        start, end = self.span(node)
        return (self._bytes[:start] + new.encode() + self._bytes[end:]).decode()


def mistakes(text: str, function: str) -> list[Mistake]:
    """A source with one mistake in a function, such as "Highway.backward", in every way that a rule below knows."""
    source = Source(text)
    found = []
    for node in _computing(definition(source.tree, function)):
        for kind, new in _changes(source, node):
            found.append(Mistake(kind, KINDS[kind], source.with_text(node, new)))
    return found


def definition(tree: ast.AST, function: str) -> ast.AST:
    """The node of a function or, after a dot, of a method."""
    for name in function.split("."):
        tree, = [node for node in ast.iter_child_nodes(tree) if getattr(node, "name", None) == name]
    return tree


def _computing(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below, in reading order, without annotations, docstrings and calls made for their effect."""
    for child in ast.iter_child_nodes(node):
        checks = isinstance(child, ast.Expr) and isinstance(child.value, (ast.Constant, ast.Call))
        index = isinstance(node, ast.Subscript) and child is node.slice     # it has a rule of its own
        if not (isinstance(child, ast.arguments) or child is getattr(node, "returns", None) or checks or index):
            yield child
            yield from _computing(child)


def _changes(source: Source, node: ast.AST) -> Iterator[tuple[str, str]]:
    """(kind, the new text) of each mistake that can be made at a node."""
    if isinstance(node, ast.BinOp):
        yield from _arithmetic(source, node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "sign", source.text(node.operand)
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        target, value = source.text(node.target), source.text(node.value)
        yield "sign", f"{target} -= {value}"
        yield "accumulation", f"{target} = {value}"
    elif isinstance(node, ast.Compare):
        yield from _bound(source, node)
    elif isinstance(node, ast.Attribute):
        yield from _attribute(source, node)
    elif isinstance(node, ast.Subscript):
        yield from _index(source, node)
    elif isinstance(node, ast.Call):
        yield from _call(source, node)


def _arithmetic(source: Source, node: ast.BinOp) -> Iterator[tuple[str, str]]:
    left, right, other_sign = _operands(source, node)
    constant = isinstance(node.left, ast.Constant)
    if isinstance(node.op, (ast.Add, ast.Sub)):
        yield "sign", other_sign
        if not constant and not isinstance(node.right, ast.Constant):
            yield "missing path", left
        if isinstance(node.op, ast.Add) and not constant:
            yield "missing path", right
    elif isinstance(node.op, ast.Mult):
        yield _kind_of_factor(source, node.right), left
        yield _kind_of_factor(source, node.left), right
    elif isinstance(node.op, ast.Div):
        yield "mean for sum" if COUNT.fullmatch(source.text(node.right)) else "factor", left
    elif isinstance(node.op, ast.Pow):
        yield "factor", left
    elif isinstance(node.op, ast.MatMult):
        for one, rest in (node.left, source.text(node.right)), (node.right, source.text(node.left)):
            if isinstance(one, ast.Name):
                turned = f"{one.id}.T"
                yield "transpose", f"{turned} @ {rest}" if one is node.left else f"{rest} @ {turned}"


def _operands(source: Source, node: ast.BinOp) -> tuple[str, str, str]:
    """Both operands with the brackets around them, and the whole with + for - or - for +."""
    start, end = source.span(node)
    left_start, left_end = source.span(node.left)
    right_start, right_end = source.span(node.right)
    before = source.between(start, left_start)
    middle = source.between(left_end, right_start)
    after = source.between(right_end, end)
    left = before + source.text(node.left) + ")" * before.count("(")
    right = "(" * after.count(")") + source.text(node.right) + after
    signs = middle.translate(str.maketrans("+-", "-+"))
    return left, right, before + source.text(node.left) + signs + source.text(node.right) + after


def _kind_of_factor(source: Source, factor: ast.expr) -> str:
    """What it is called to leave a factor out."""
    masks = isinstance(factor, ast.Compare) or (isinstance(factor, ast.Name) and factor.id in MASKS)
    return "mask" if masks else "factor"


def _bound(source: Source, node: ast.Compare) -> Iterator[tuple[str, str]]:
    """A strict comparison for one that is not, and the reverse: at the bound itself they differ."""
    others = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
    other = others.get(type(node.ops[0]))
    if other:
        kind = "off by one" if "lengths" in source.text(node) else "mask"
        yield kind, f"{source.text(node.left)} {other} {source.text(node.comparators[0])}"


def _attribute(source: Source, node: ast.Attribute) -> Iterator[tuple[str, str]]:
    before = source.text(node).removesuffix(node.attr)
    if node.attr == "T":
        yield "transpose", before.removesuffix(".")
    other = {"sum": "mean", "mean": "sum"}.get(node.attr)
    if other and before != "np.":
        yield "mean for sum", before + other


def _index(source: Source, node: ast.Subscript) -> Iterator[tuple[str, str]]:
    """The state of a neighbouring step: t for t+1, all but the last for all but the first, and the reverse."""
    others = {"t": ("t+1", "t-1"), "t+1": ("t",), "t-1": ("t",), "1:": (":-1",), ":-1": ("1:",)}
    if isinstance(node.ctx, ast.Load):
        for other in others.get(source.text(node.slice).replace(" ", ""), ()):
            yield "stale state", f"{source.text(node.value)}[{other}]"


def _call(source: Source, node: ast.Call) -> Iterator[tuple[str, str]]:
    name = source.text(node.func)
    args = [source.text(arg) for arg in node.args]
    if name == "np.where" and len(args) == 3:
        yield "mask", args[1]
    elif name == "range" and len(args) == 1:
        yield "off by one", f"range(1, {args[0]})"
        yield "off by one", f"range({args[0]} - 1)"
