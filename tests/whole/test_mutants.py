"""A bug planted in any line of a backward pass is caught by the gradient checks, and one in an update by its reference.

Every statement of every backward function is changed in several ways: a result or an argument negated, a condition
ignored, a call left out. So is every expression, by the slips of which the exercises' planted bugs are made: + for -, a
factor or a path left out, the state of another step, and so on. A mutant is caught when a gradient differs from the
right one, which test_gradients.py compares with central differences, and loud when Python stops it; one that passes all
checks would be a hole in them. The functions are found by name or docstring in all modules of layers, and their cases
by running all: a new one cannot be forgotten.
"""

import ast
import copy
import re
import sys
import warnings
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.exercises.bugs import code_of, source_of
from elmo_np.exercises.mistakes import definition, mistakes
from elmo_np.gradient_checks import CASES
from elmo_np.nn import optim
from elmo_np.nn.gradcheck import TOLERANCE
from elmo_np.runtime.threads import threads
from tests import optimizer_reference

ROOT = Path(__file__).parents[2]
LAYERS = ["elmo_np/nn", "elmo_np/tasks/nn", "elmo_np/tasks/models"]
# Mutants that no gradient check can tell apart: how each reads, and why it passes.
EQUAL = {
    "z = W @ h.T + b[:, None] if (z is None) | True else z": "the logits that were kept, computed again",
    "dwords = _add(dx, doutputs[0]) if (lowest == 0) | True else None":
        "it changes which layers are trained: tests/tasks/nn/test_tuned_bilm.py sees it",
    "n, r, N = cache; n = -n": "it enters twice, as n times the sum of dn n",
}
EQUAL_SLIPS = {
    "self.gamma.grad += s.T @ q": "s is a vector",
    "self.gamma.grad += s @ q.T": "q is a vector",
    "self.w.grad += s * (ds - s.T @ ds)": "s is a vector",
    "self.w.grad += s * (ds - s @ ds.T)": "ds is a vector",
    "T, B, H = cache.fwd.h[:-1].shape": "only the shape is read",
    "if clip_norm is None or norm < clip_norm:": "at the bound the factor is 1 both ways",
    "p.rows = [ids, y]": "it changes which rows are cleared: tests/nn/test_sampled_softmax.py sees it",
}
SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr)


ALLOCATES = ("np.empty", "np.empty_like", "np.zeros", "np.zeros_like")


def function(module, name):
    """The Python function behind a dotted name; of a twin, the NumPy reference."""
    found = module
    for part in name.split("."):
        found = getattr(found, part)
    return getattr(found, "reference", found)


@cache
def tree_of(module):
    return ast.parse(source_of(module))


@cache
def source_alone(module, name):
    """The source of a function on the lines that it has in its module, in a class without bases if it is a method.

    Thousands of mutants are parsed and compiled: a whole module takes ten times as long.
    """
    node = definition(tree_of(module), name)
    lines = [""] * (node.lineno - 1) + source_of(module).splitlines()[node.lineno - 1:node.end_lineno]
    owner = name.rpartition(".")[0]
    if owner:
        lines[definition(tree_of(module), owner).lineno - 1] = f"class {owner}:"
    return "\n".join([*lines, ""])


def statements(module, name):
    """The simple statements of a function, without its docstring and its checks, which change no gradient."""
    function = definition(ast.parse(source_alone(module, name)), name)
    return [node for node in ast.walk(function) if isinstance(node, SIMPLE) and getattr(node, "value", None) is not None
            and not (isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or is_check(node.value)))]


def is_check(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2].startswith("check_")


def allocates(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ALLOCATES


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
    return [arg for call in calls for arg in call.args if not isinstance(arg, (ast.Lambda, ast.Starred))]


def always(node):
    """A comparison that is true everywhere, in the same shape."""
    return ast.BinOp(node, ast.BitOr(), ast.Constant(True))


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
        values = leaves(statement.value) if isinstance(target, ast.Tuple) else [statement.value]
        for k, leaf in enumerate(leaves(target)):
            text = ast.unparse(leaf)
            # Equal: an allocated array is zero or filled later, `add` is as true when it is negated, _ is unused.
            # A list has no negative.
            if text in ("add", "_") or isinstance(leaf, ast.Starred):
                continue
            if k < len(values) and allocates(values[k]):
                continue
            yield f"{ast.unparse(statement)}; {text} = -{text}", [statement, *ast.parse(f"{text} = -({text})").body]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        yield f"left out: {ast.unparse(statement)}", [ast.Pass()]
    found = [(node, negative(node)) for node in places(statement)]
    found += [(node, always(node)) for node in ast.walk(statement.value) if isinstance(node, ast.Compare)]
    for old, new in found:
        changed = swapped(statement, old, new)
        yield ast.unparse(changed), [changed]


def compiled(module, name, replacements):
    """The code of a function in which statements are replaced: {(line, column): the new ones}."""
    class Replace(ast.NodeTransformer):
        def visit(self, node):
            new = replacements.get((node.lineno, node.col_offset)) if isinstance(node, ast.stmt) else None
            if new is None:
                return self.generic_visit(node)
            return [ast.copy_location(ast.fix_missing_locations(copy.deepcopy(one)), node) for one in new]
    tree = ast.fix_missing_locations(Replace().visit(ast.parse(source_alone(module, name))))
    return code_of(compile(tree, module.__file__, "exec", dont_inherit=True), name)


def slips(module, name):
    """(how it reads, the code of the function with it) of every slip that `mistakes` makes in a function."""
    right = source_alone(module, name)
    for mistake in mistakes(right, name):
        line = next(new for old, new in zip(right.splitlines(), mistake.source.splitlines(), strict=True) if old != new)
        yield line.partition("  #")[0].strip(), code_of(compile(mistake.source, module.__file__, "exec"), name)


def outcome(target, code, checks, enough=("caught", "loud")):
    """How checks answer to `code` in place of `target`'s: "caught" by a wrong result, "loud" or "survived".

    The first answer that is `enough` ends the search.
    """
    before, target.__code__ = target.__code__, code
    answer = "survived"
    try:
        with backend.use("numpy"), threads(1), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for check in checks:
                try:
                    if not check():
                        answer = "caught"
                except (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError):
                    answer = "loud"
                if answer in enough:
                    break
    finally:
        target.__code__ = before
    return answer


# backward functions and the gradient checks


def runs_backward(name, node):
    """Named backward, or documented as the reverse of something."""
    return "backward" in name.lower() or re.search(r"\breverse of\b", (ast.get_docstring(node) or "").lower())


def backward_functions():
    """(module, dotted name) of every backward function with a body."""
    for path in (path for layers in LAYERS for path in sorted((ROOT / layers).glob("*.py"))):
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for node in tree_of(module).body:
            methods = [(f"{node.name}.{one.name}", one) for one in getattr(node, "body", [])
                       if isinstance(node, ast.ClassDef) and isinstance(one, ast.FunctionDef)]
            for name, one in methods or [(getattr(node, "name", ""), node)]:
                if isinstance(one, ast.FunctionDef) and runs_backward(name, one) and statements(module, name):
                    yield module, name


FUNCTIONS = list(backward_functions())


@cache
def right_gradients(name):
    """{array: its gradient} of a case, to be called while nothing is changed."""
    return CASES[name](np.random.default_rng(0)).grads


def gradients_agree(name):
    """Whether a case's gradients, computed now, equal the right ones, as closely as these equal central differences."""
    found = CASES[name](np.random.default_rng(0)).grads
    for key, right in right_gradients(name).items():
        error = np.abs(found[key] - right) / np.max(np.abs(found[key]) + np.abs(right))
        if not (error <= TOLERANCE).all():
            return False
    return True


@cache
def cases_by_code():
    """{code of a function: the cases that run it, smallest first}."""
    found = {}
    with backend.use("numpy"), threads(1):
        for name, make in CASES.items():
            seen = set()
            before = sys.gettrace()     # that of coverage or a debugger
            sys.settrace(lambda frame, event, arg, seen=seen: seen.add(frame.f_code))     # None: no line is traced
            try:
                made = make(np.random.default_rng(0))
            finally:
                sys.settrace(before)
            for code in seen:
                found.setdefault(code, []).append((sum(x.size for x in made.arrays.values()), name))
    return {code: [name for _, name in sorted(cases)] for code, cases in found.items()}


CODE = {(module.__name__, name): function(module, name).__code__ for module, name in FUNCTIONS}


def checks_of(module, name):
    cases = cases_by_code().get(CODE[module.__name__, name], [])
    with backend.use("numpy"), threads(1):
        for case in cases:
            right_gradients(case)
    return [lambda case=case: gradients_agree(case) for case in cases]


LINES = [pytest.param(module, name, index, id=f"{name}: {ast.unparse(statement).splitlines()[0][:70]}")
         for module, name in FUNCTIONS for index, statement in enumerate(statements(module, name))]


@pytest.mark.parametrize(("module", "name"), FUNCTIONS, ids=[f"{m.__name__}.{name}" for m, name in FUNCTIONS])
def test_a_gradient_check_runs_every_backward_function(module, name):
    assert cases_by_code().get(CODE[module.__name__, name]), f"no case of elmo_np/gradient_checks runs {name}"


def test_the_backward_functions_are_found_by_name_and_by_docstring():
    names = {name for _, name in FUNCTIONS}
    assert {"scatter_add", "lstm_backward", "LSTM.backward", "BiLM.backward", "ScalarMix.penalty_backward", "marginals",
            "add_by_type", "EncoderDecoder.backward"} <= names
    assert not {"OutputLayer.backward", "LSTM.forward", "BiLM.reduce_grad"} & names


@pytest.mark.parametrize(("module", "name", "index"), LINES)
def test_a_bug_in_this_line_is_caught(module, name, index):
    statement = statements(module, name)[index]
    lines = source_alone(module, name).splitlines()[statement.lineno - 1:statement.end_lineno]
    tagged = any(re.search(r"# \([A-Z]\d+\)", line) for line in lines)
    target, outcomes = function(module, name), {}
    for text, replacement in mutants(statement):
        code = compiled(module, name, {(statement.lineno, statement.col_offset): replacement})
        # A tagged line needs a mutant that a gradient gives away; for the others it is enough to be loud.
        enough = ["caught"] if tagged and "caught" not in outcomes.values() else ["caught", "loud"]
        outcomes[text] = outcome(target, code, checks_of(module, name), enough)
    survivors = {text for text, answer in outcomes.items() if answer == "survived"}
    assert survivors - EQUAL.keys() == set()
    if tagged:
        assert "caught" in outcomes.values(), outcomes


@pytest.mark.parametrize(("module", "name"), FUNCTIONS, ids=[f"{m.__name__}.{name}" for m, name in FUNCTIONS])
def test_a_slip_in_this_function_is_caught(module, name):
    checks = checks_of(module, name)
    outcomes = {text: outcome(function(module, name), code, checks) for text, code in slips(module, name)}
    assert {text for text, answer in outcomes.items() if answer == "survived"} - EQUAL_SLIPS.keys() == set()


@pytest.mark.parametrize(("module", "name"), FUNCTIONS, ids=[f"{m.__name__}.{name}" for m, name in FUNCTIONS])
def test_a_function_whose_code_is_replaced_by_its_own_is_right(module, name):
    statement = statements(module, name)[0]
    code = compiled(module, name, {(statement.lineno, statement.col_offset): [statement]})
    assert outcome(function(module, name), code, checks_of(module, name)[:1]) == "survived"


# updates and their reference


UPDATES = ["squared_norm", "sgd_update", "adagrad_update", "adam_update", "global_norm", "clip_scale",
           "Optimizer._step", "SGD._update", "Adagrad._update", "Adam._update"]
EQUAL_UPDATES = {
    "sgd_update(w, g, v, scale, self.learning_rate, self.momentum, -self.nesterov)": "-True is as true as True",
}
REFERENCES = [lambda kind=kind: optimizer_reference.agrees(kind) for kind in optimizer_reference.KINDS]


def names(node, context):
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, context)}


def exchanges(module, name):
    """(how it reads, replacements) for every two statements in a row of which one needs what the other changes."""
    body = definition(tree_of(module), name).body
    for one, two in pairwise(body[1:]):
        changed = names(one, ast.Store) | {t.target.id for t in ast.walk(one) if isinstance(t, ast.AugAssign)}
        if changed & (names(two, ast.Load) | names(two, ast.Store)):
            text = f"{ast.unparse(two).splitlines()[0]}, before {ast.unparse(one).splitlines()[0]}"
            yield text, {(one.lineno, one.col_offset): [two], (two.lineno, two.col_offset): [one]}


UPDATE_LINES = [pytest.param(name, index, id=f"{name}: {ast.unparse(statement).splitlines()[0][:70]}")
                for name in UPDATES for index, statement in enumerate(statements(optim, name))]


@pytest.mark.parametrize(("name", "index"), UPDATE_LINES)
def test_a_bug_in_this_line_of_an_update_is_caught(name, index):
    statement, outcomes = statements(optim, name)[index], {}
    for text, replacement in mutants(statement):
        code = compiled(optim, name, {(statement.lineno, statement.col_offset): replacement})
        outcomes[text] = outcome(function(optim, name), code, REFERENCES)
    assert {text for text, answer in outcomes.items() if answer == "survived"} - EQUAL_UPDATES.keys() == set()


@pytest.mark.parametrize("name", UPDATES)
def test_a_slip_in_this_update_is_caught(name):
    outcomes = {text: outcome(function(optim, name), code, REFERENCES) for text, code in slips(optim, name)}
    assert {text for text, answer in outcomes.items() if answer == "survived"} - EQUAL_SLIPS.keys() == set()


@pytest.mark.parametrize("name", ["sgd_update", "adagrad_update", "adam_update"])
def test_two_lines_of_an_update_in_the_wrong_order_are_caught(name):
    outcomes = {text: outcome(function(optim, name), compiled(optim, name, replacements), REFERENCES)
                for text, replacements in exchanges(optim, name)}
    assert outcomes
    assert "survived" not in outcomes.values(), outcomes


def test_every_update_with_a_tag_is_among_those_that_are_changed():
    source = source_of(optim).splitlines()
    tagged = {node.name for node in tree_of(optim).body if isinstance(node, ast.FunctionDef)
              and re.search(r"# \(O\d\)", "\n".join(source[node.lineno:node.end_lineno]))}
    assert tagged == {name for name in UPDATES if "." not in name}


def test_the_updates_equal_their_reference_while_nothing_is_changed():
    with backend.use("numpy"):
        assert all(check() for check in REFERENCES)
