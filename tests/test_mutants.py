"""A bug planted in any line of a backward pass is caught by the gradient checks.

Every statement of every backward function is changed in several ways: a result or an argument negated, + for -, a
factor left out, a condition ignored, a call left out. A mutant is caught when a gradient disagrees with its central
difference, and loud when Python stops it; one that passes all checks would be a hole in them.
"""

import ast
import copy
import inspect
import re
import warnings

import numpy as np
import pytest

from elmo_np import backend, bilm, dropout, embedding, gradient_cases, language_model, lstm, softmax, vectors

TOLERANCE = 1e-7
BILM = [name for name in gradient_cases.CASES if name.startswith("biLM")]
LSTM = [name for name in gradient_cases.CASES if name.startswith("lstm")]
# module, function, the cases that run it, smallest first
FUNCTIONS = [
    (embedding, "scatter_add", ["embedding"]),
    (embedding, "Embedding.backward", ["embedding"]),
    (lstm, "lstm_backward", LSTM[::-1]),
    (lstm, "LSTM.backward", [*LSTM[::-1], BILM[0]]),
    (softmax, "softmax_loss", ["softmax"]),
    (softmax, "Softmax.forward", ["softmax"]),      # it takes the gradient while the logits are at hand
    (softmax, "Softmax.backward", ["softmax"]),
    (dropout, "dropout_backward", ["dropout"]),
    (vectors, "h_bi_backward", ["word vector W h_bi + b"]),
    (vectors, "WordVector.backward", ["word vector W h_bi + b"]),
    (vectors, "LayerMix.backward", ["layer mix"]),
    (language_model, "LanguageModel.encode_backward", ["hidden states of all layers", *BILM]),
    (language_model, "LanguageModel.backward", BILM),
    (bilm, "BiLM.backward", BILM),
]
# Mutants that no gradient check can tell: how each reads, and why it passes.
SHIFT = "p does not change when every logit of a row moves by the same number"
SAME_WAY = "loss and gradient change in the same way; test_softmax.py compares the loss with a formula"
EQUAL = {
    "da, dp = (np.empty_like(ifog), None if Wp is None else np.empty_like(dy)); da = -da": "every step fills it later",
    "z -= -z.max(axis=1, keepdims=True, initial=-np.inf)": SHIFT,
    "h, y = self._check(h, y); y = -y": SAME_WAY,
    "r, live = (np.arange(len(z)), y != PADDING); r = -r": SAME_WAY,
    "N = max(1, int((y != PADDING).sum())); N = -N": SAME_WAY,
    "r, live = (np.arange(len(z)), (y != PADDING) | True)": SAME_WAY,
    "N = max(1, int(((y != PADDING) | True).sum()))": SAME_WAY,
    "total = 0.0; total = -total": "it is zero",
    "self.E.rows.append(-ids)": "which rows may differ from zero is test_embedding.py's",
    "left out: self.E.rows.append(ids)": "which rows may differ from zero is test_embedding.py's",
}
SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr)


def function(module, name):
    """The Python function behind a dotted name; of a twin, the NumPy reference."""
    found = module
    for part in name.split("."):
        found = getattr(found, part)
    return getattr(found, "reference", found)


def statements(module, name):
    """The simple statements of a function, without its docstring."""
    tree = ast.parse(inspect.getsource(module))
    for part in name.split("."):
        tree, = [node for node in tree.body if getattr(node, "name", None) == part]
    return [node for node in ast.walk(tree) if isinstance(node, SIMPLE) and getattr(node, "value", None) is not None
            and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]


def leaves(node):
    return [leaf for item in node.elts for leaf in leaves(item)] if isinstance(node, ast.Tuple) else [node]


def negative(node):
    return ast.UnaryOp(ast.USub(), node)


def places(statement):
    """Expressions that a negation makes wrong: returned, added or passed to a call made for its effect."""
    if isinstance(statement, ast.Return):
        return leaves(statement.value)
    if isinstance(statement, ast.AugAssign):
        return [statement.value]
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return []
    calls = [statement.value, *(arg.body for arg in statement.value.args if isinstance(arg, ast.Lambda))]
    return [arg for call in calls for arg in call.args if not isinstance(arg, ast.Lambda)]


def changes(node):
    """What may stand for an expression inside a statement."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield node.left
        yield node.right
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.where":
        yield from node.args[1:]
    if isinstance(node, ast.Compare):
        yield ast.BinOp(node, ast.BitOr(), ast.Constant(True))      # true everywhere, in the same shape


def swapped(statement, old, new):
    """A copy of the statement in which the node `old` is `new`."""
    class Swap(ast.NodeTransformer):
        def visit(self, node):
            return copy.deepcopy(new) if node is old else self.generic_visit(copy.copy(node))

        def generic_visit(self, node):
            for field, value in ast.iter_fields(node):
                if isinstance(value, list):
                    setattr(node, field, [self.visit(item) if isinstance(item, ast.AST) else item for item in value])
                elif isinstance(value, ast.AST):
                    setattr(node, field, self.visit(value))
            return node
    return Swap().visit(statement)


def mutants(statement):
    """(how it reads, the statements that replace it)"""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        for leaf in leaves(target):
            text = ast.unparse(leaf)
            yield f"{ast.unparse(statement)}; {text} = -{text}", [statement, *ast.parse(f"{text} = -({text})").body]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        yield f"left out: {ast.unparse(statement)}", [ast.Pass()]
    found = [(node, negative(node)) for node in places(statement)]
    found += [(node, new) for node in ast.walk(statement.value) for new in changes(node)]
    for old, new in found:
        changed = swapped(statement, old, new)
        yield ast.unparse(changed), [changed]


def compiled(module, name, line, column, replacement):
    """The code of a function in which the statement at (line, column) is replaced."""
    class Replace(ast.NodeTransformer):
        def visit(self, node):
            if isinstance(node, SIMPLE) and (node.lineno, node.col_offset) == (line, column):
                return [ast.copy_location(ast.fix_missing_locations(copy.deepcopy(new)), node) for new in replacement]
            return self.generic_visit(node)
    tree = ast.fix_missing_locations(Replace().visit(ast.parse(inspect.getsource(module))))
    code = compile(tree, module.__file__, "exec", dont_inherit=True)
    for part in name.split("."):
        code, = [const for const in code.co_consts if inspect.iscode(const) and const.co_name == part]
    return code


def outcome(target, code, cases):
    """How the checks answer to `code` in place of `target`'s: "caught" by a gradient, "loud" or "survived"."""
    before, target.__code__ = target.__code__, code
    answer = "survived"
    try:
        with backend.use("numpy"), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in cases:
                try:
                    if not all(row.ok(TOLERANCE) for row in gradient_cases.run(name)):
                        return "caught"
                except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                    answer = "loud"
    finally:
        target.__code__ = before
    return answer


LINES = [pytest.param(module, name, cases, index, id=f"{name}: {ast.unparse(statement).splitlines()[0][:70]}")
         for module, name, cases in FUNCTIONS for index, statement in enumerate(statements(module, name))]


@pytest.mark.parametrize(("module", "name", "cases", "index"), LINES)
def test_a_bug_in_this_line_is_caught(module, name, cases, index):
    statement = statements(module, name)[index]
    target, outcomes = function(module, name), {}
    for text, replacement in mutants(statement):
        code = compiled(module, name, statement.lineno, statement.col_offset, replacement)
        outcomes[text] = outcome(target, code, cases)
    survivors = {text for text, answer in outcomes.items() if answer == "survived"}
    assert survivors - EQUAL.keys() == set()
    lines = inspect.getsource(module).splitlines()[statement.lineno - 1:statement.end_lineno]
    if any(re.search(r"# \([A-Z]\d+\)", line) for line in lines):
        assert "caught" in outcomes.values(), outcomes


def test_a_function_whose_code_is_replaced_by_its_own_is_right():
    for module, name, cases in FUNCTIONS:
        statement = statements(module, name)[0]
        code = compiled(module, name, statement.lineno, statement.col_offset, [statement])
        assert outcome(function(module, name), code, cases[:1]) == "survived"
