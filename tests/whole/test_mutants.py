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

from elmo_np import backend
from elmo_np import gradient_checks as gradient_cases
from elmo_np.nn import (
    adaptive_softmax,
    bilm,
    dropout,
    embedding,
    language_model,
    lstm,
    sampled_softmax,
    softmax,
)
from elmo_np.nn import (
    char_cnn as charcnn,
)
from elmo_np.nn import (
    representation as vectors,
)
from elmo_np.nn import (
    shared_char_cnn as shared_words,
)
from elmo_np.tasks.models import classifier, encoder_decoder, senses, sentence_encoder, tagger
from elmo_np.tasks.nn import (
    attention,
    bilstm,
    crf,
    decoder,
    inputs,
    linear,
    pooling,
)

TOLERANCE = 1e-7
BILM = [name for name in gradient_cases.CASES if name.startswith("biLM")]
CHARACTERS = [name for name in gradient_cases.CASES if name.startswith("characters, ")]
MIXES = [name for name in gradient_cases.CASES if name.startswith("layer mix")]
LSTM = [name for name in gradient_cases.CASES if name.startswith("lstm")]
LINEAR = ["linear layer and cross-entropy"]
CRF = ["CRF, BIO constraints", "CRF"]
ATTENTION = ["attention, additive", "attention, dot product"]
INPUT = [name for name in gradient_cases.CASES if name.startswith("input of a task")]
# module, function, the cases that run it, smallest first
FUNCTIONS = [
    (embedding, "scatter_add", ["embedding"]),
    (embedding, "Embedding.backward", ["embedding"]),
    (charcnn, "Filters.backward", CHARACTERS[::-1]),
    (charcnn, "Highway.backward", CHARACTERS),
    (charcnn, "CharCNN.backward", CHARACTERS[::-1]),
    (charcnn, "CharCNN.encode_backward", CHARACTERS[::-1]),
    (charcnn, "CharCNN._convolve_backward", CHARACTERS[::-1]),
    (charcnn, "add_by_type", CHARACTERS[::-1]),
    (shared_words, "backward", ["characters of both directions"]),
    (lstm, "lstm_backward", LSTM[::-1]),
    (lstm, "LSTM.backward", [*LSTM[::-1], BILM[0]]),
    (softmax, "softmax_backward", ["softmax", "sampled softmax"]),
    (softmax, "Softmax.backward", ["softmax"]),
    (adaptive_softmax, "Tail.backward", ["adaptive softmax"]),
    (adaptive_softmax, "AdaptiveSoftmax.backward", ["adaptive softmax"]),
    (sampled_softmax, "SampledSoftmax.backward", ["sampled softmax"]),
    (sampled_softmax, "add_rows", ["sampled softmax"]),
    (dropout, "dropout_backward", ["dropout"]),
    (vectors, "h_bi_backward", ["word vector W h_bi + b"]),
    (vectors, "WordVector.backward", ["word vector W h_bi + b"]),
    (vectors, "ScalarMix.backward", MIXES),
    (vectors, "ScalarMix.penalty_backward", MIXES[1:]),
    (vectors, "ScalarMixes.backward", MIXES[1:]),
    (vectors, "ScalarMixes.penalty_backward", MIXES[1:]),
    (vectors, "norm_backward", MIXES[2:]),
    (language_model, "LanguageModel.encode_backward",
     ["hidden states of all layers, residual connections", "hidden states of all layers", *BILM]),
    (language_model, "LanguageModel.backward", BILM),
    (bilm, "BiLM.backward", sorted(BILM, key=lambda name: "CNN and softmax shared" not in name)),
    (linear, "Linear.backward", LINEAR),
    (linear, "cross_entropy_backward", LINEAR),
    (pooling, "pool_backward", ["pooling, mean"]),
    (bilstm, "BiLSTM.backward", ["bidirectional LSTM over vectors"]),
    (crf, "marginals", CRF),
    (crf, "CRF.backward", CRF),
    (attention, "attend_backward", ATTENTION),
    (attention, "_Attention.backward", ATTENTION),
    (attention, "AdditiveAttention.score_backward", ATTENTION[:1]),
    (attention, "DotAttention.score_backward", ATTENTION[1:]),
    (decoder, "Decoder.backward", ["decoder, dot-product attention"]),
    (inputs, "WordInput.backward", INPUT),
    (inputs, "WordInput.penalty_backward", INPUT),
    (inputs, "beside_backward", ["translator, learnt embeddings beside the mix"]),
    (classifier, "SentenceNetwork.backward", ["sentence classifier", "sentence classifier without a BiLSTM"]),
    (tagger, "TagNetwork.backward", ["tagger"]),
    (sentence_encoder, "SentenceEncoder.encode_backward", ["sentence classifier", "tagger"]),
    (linear, "Linear.penalty_backward", ["word senses"]),
    (senses, "SenseNetwork.backward", ["word senses"]),
    (encoder_decoder, "EncoderDecoder.backward",
     ["translator, learnt embeddings, no BiLSTM, additive attention", "translator",
      "translator, learnt embeddings beside the mix"]),
]
# Mutants that no gradient check can tell: how each reads, and why it passes.
TRUE = "-True is as true as True"
EQUAL = {
    "da = np.empty_like(ifog); da = -da": "every step fills it later",
    "dp = np.empty_like(dy); dp = -dp": "every step fills it later",
    "arrays, add = accumulators([p for p in trained if p is not None]); add = -add": TRUE,
    "[dW], add = accumulators([self.W]); add = -add": TRUE,
    "dh = np.empty_like(cache.h); dh = -dh": "every chunk fills it later",
    "dh = np.empty_like(h); dh = -dh": "every chunk fills it later",
    "dW = np.zeros_like(sample.W); dW = -dW": "it is zero",
    "db = np.zeros_like(sample.b); db = -db": "it is zero",
    "dy = np.zeros((len(e), Q, dm.shape[1]), dm.dtype); dy = -dy": "it is zero",
    "dtypes = np.zeros((len(cache.types.x), dv.shape[-1]), dv.dtype); dtypes = -dtypes": "it is zero",
    "de = np.zeros_like(e); de = -de": "it is zero",
    "n, r, N = cache; n = -n": "it enters twice, as n times the sum of dn n",
    "dtypes = np.zeros((N, dv[0].shape[-1]), dv[0].dtype); dtypes = -dtypes": "it is zero",
    "self.E.rows.append(-ids)": "which rows may differ from zero is test_embedding.py's",
    "p, pairs, Z = (np.empty_like(z), np.zeros((C, C), z.dtype), log_Z[:, None]); p = -p": "every step fills it later",
    "p, pairs, Z = (np.empty_like(z), np.zeros((C, C), z.dtype), log_Z[:, None]); pairs = -pairs": "it is zero",
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
    return [arg for call in calls for arg in call.args if not isinstance(arg, (ast.Lambda, ast.Starred))]


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
        for text in map(ast.unparse, leaves(target)):
            if text == "_":         # not used
                continue
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
