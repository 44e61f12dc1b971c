"""ONNX Runtime's side of embedding, on batches padded to their longest sentence as PyTorch's.

embed_onnx_graph.py has the model. The session has default settings but for the number of its threads.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnxruntime
from embed_batches import Ids, embed_batches
from embed_elmo_np import fingerprint
from embed_onnx_graph import WORDS, model
from embed_sizes import EmbedSizes
from jobs import Job
from works import Work

from elmo_np.types import Array


class Embedder:
    def __init__(self, sizes: EmbedSizes, weights: Mapping[str, Array], threads: int):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # kept, because the session reads the arrays where they are
        self._weights = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
        options.add_external_initializers(list(weights), self._weights)
        graph = model(sizes, weights).SerializeToString()
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._K = sizes.K

    def embed(self, text: list[list[str]]) -> list[Array]:
        """All layers (layers, tokens, 2P) of each sentence."""
        return embed_batches(text, self._K, self._layers)

    def _layers(self, k: Ids, lengths: Ids) -> Array:
        live = np.sum(lengths > np.arange(k.shape[1])[:, None], axis=1, keepdims=True)
        padding = np.pad(len(lengths) - live, ((0, 0), (2, 1)))
        feed = {"k": k.transpose(1, 0, 2), "lengths": lengths, "live": live, "padding": padding}
        return np.stack(self._session.run(None, feed)).swapaxes(1, 2)


def build(work: Work, arrays: Mapping[str, Array]) -> Job:
    """The job, starting from elmo_np's arrays. Filters (w C, n) become (n, C, w)."""
    sizes = work.sizes
    assert isinstance(sizes, EmbedSizes)
    weights = dict(arrays)
    for k, (w, n) in enumerate(sizes.filters):
        name = f"{WORDS}.filters.{k}.W"
        weights[name] = np.ascontiguousarray(weights[name].reshape(w, sizes.C, n).transpose(2, 1, 0))
    made, text = Embedder(sizes, weights, work.threads), sizes.text()
    return Job(lambda: made.embed(text), lambda: fingerprint(made.embed(text)))
