"""The published model as a graph of ONNX's operators, built by hand.

ONNX's LSTM has neither projection nor clips, so a layer is a Loop over its steps. As on PyTorch's side, every
position of every word is convolved, x Wx of all steps is one product, and a step computes only the sentences that have
not ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from embed_sizes import EmbedSizes
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from elmo_np.types import Array

FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
WORDS = "forward_lm.embedding"      # elmo_np's names of its arrays are the graph's


class Nodes(list[NodeProto]):
    """The nodes of a graph, of which every call adds one. prefix: of the names of their outputs."""

    def __init__(self, prefix: str):
        self._prefix = prefix

    def __call__(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """The name of the output, or a list of their names."""
        names = [f"{self._prefix}.{len(self)}.{k}" for k in range(outputs)]
        self.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names


def model(sizes: EmbedSizes, weights: Mapping[str, Array]) -> ModelProto:
    """characters k (T, B, K), lengths (B,), for each step live (T, 1) sentences and the padding of a row of the output
    -> layers (T, B, 2P), one output each. The weights' values are not in it."""
    add, outputs = Nodes("main"), []
    words = vectors(add, sizes)
    sides = {"forward_lm": words, "backward_lm": add("ReverseSequence", words, "lengths", batch_axis=1, time_axis=0)}
    for k in range(sizes.L + 1):
        if k > 0:
            for side, x in sides.items():
                h = layer(add, sizes, x, f"{side}.layers.{k - 1}")
                sides[side] = add("Add", h, x) if k > 1 else h
        backward = add("ReverseSequence", sides["backward_lm"], "lengths", batch_axis=1, time_axis=0)
        outputs.append(add("Concat", sides["forward_lm"], backward, axis=2))
    inputs = [info("k", INT, "T", "B", sizes.K), info("lengths", INT, "B"), info("live", INT, "T", 1),
              info("padding", INT, "T", 4)]
    graph = helper.make_graph(add, "elmo", inputs, [info(name, FLOAT, "T", "B", 2 * sizes.P) for name in outputs],
                              [*constants(sizes), *(outside(name, array) for name, array in weights.items())])
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])


def vectors(add: Nodes, sizes: EmbedSizes) -> str:
    """Characters k (T, B, K) -> vectors (T, B, P)."""
    e = add("Transpose", add("Gather", f"{WORDS}.E", add("Reshape", "k", "each_word")), perm=[0, 2, 1])
    maxima = [add("GlobalMaxPool", add("Conv", e, f"{WORDS}.filters.{n}.W", f"{WORDS}.filters.{n}.b"))
              for n in range(len(sizes.filters))]
    x = add("Relu", add("Flatten", add("Concat", *maxima, axis=1)))
    for n in range(sizes.highways):
        r = add("Sigmoid", add("Gemm", x, f"{WORDS}.highways.{n}.Wr", f"{WORDS}.highways.{n}.br"))
        t = add("Relu", add("Gemm", x, f"{WORDS}.highways.{n}.Wt", f"{WORDS}.highways.{n}.bt"))
        x = add("Add", x, add("Mul", r, add("Sub", t, x)))
    flat = add("Gemm", x, f"{WORDS}.Wp", f"{WORDS}.bp")
    shape = add("Concat", add("Shape", "k", end=2), "width", axis=0)
    return str(add("Reshape", flat, shape))


def layer(add: Nodes, sizes: EmbedSizes, x: str, name: str) -> str:
    """One direction of a layer: x (T, B, P), each sentence from its first step on -> h (T, B, P), 0 past its end."""
    a = add("Add", add("MatMul", x, f"{name}.Wx"), f"{name}.b")
    step = Nodes(name)
    live = step("Gather", "live", "t")
    a_t, h, c = (step("Slice", rows, "zero", live, "zero") for rows in (step("Gather", a, "t"), "h", "c"))
    i, f, o, g = step("Split", step("Add", a_t, step("MatMul", h, f"{name}.Wh")), axis=1, num_outputs=4, outputs=4)
    kept = step("Mul", step("Sigmoid", f), c)
    added = step("Mul", step("Sigmoid", i), step("Tanh", g))
    c = step("Clip", step("Add", kept, added), "low", "high")
    m = step("Mul", step("Sigmoid", o), step("Tanh", c))
    h = step("Clip", step("MatMul", m, f"{name}.Wp"), "low", "high")
    row = step("Pad", h, step("Gather", "padding", "t"))
    go_on = step("Identity", "going")
    inputs = [info("t", INT), info("going", BOOL), info("h", FLOAT, "before", sizes.P),
              info("c", FLOAT, "before", sizes.H)]
    outputs = [info(go_on, BOOL), info(h, FLOAT, "now", sizes.P), info(c, FLOAT, "now", sizes.H),
               info(row, FLOAT, "B", sizes.P)]
    body = helper.make_graph(step, f"{name}.step", inputs, outputs)
    B = add("Shape", "lengths")
    start = [add("Expand", "nothing", add("Concat", B, width, axis=0)) for width in ("width", "cells")]
    return str(add("Loop", add("Shape", "k", end=1), "yes", *start, body=body, outputs=3)[-1])


def info(name: str, kind: int, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def constants(sizes: EmbedSizes) -> list[TensorProto]:
    values = {"zero": [0], "width": [sizes.P], "cells": [sizes.H], "each_word": [-1, sizes.K], "yes": True,
              "nothing": np.float32(0), "low": np.float32(-sizes.clip), "high": np.float32(sizes.clip)}
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()]


def outside(name: str, array: Array) -> TensorProto:
    """An initial value that the session gets by its name: with its values, a graph would hold them several times."""
    made = TensorProto(name=name, data_type=FLOAT, dims=array.shape, data_location=TensorProto.EXTERNAL)
    made.external_data.add(key="location", value="memory")
    return made
