"""Published ELMo weights: an options file, and an HDF5 file or a checkpoint, in the formats of bilm-tf and AllenNLP.

    char_embed (261, C)                             E, from row 1 on; row 0, for no character, stays zero
    CNN/W_cnn_i (1, w, C, n), b_cnn_i (n,)          W (w C, n) and b of the filters, one width after another
    CNN_high_k/W_carry, W_transform (F, F), b_..    Wr, Wt, br, bt of the highway layers
    CNN_proj/W_proj (F, P), b_proj (P,)             Wp, bp
    embedding (V, P)                                E of a model that reads words by id
    RNN_d/RNN/MultiRNNCell/Cell0/LSTMCell/W_0       Wx (D, 4H) above Wh (P, 4H); gates i j f o, where j is our g
        B (4H,), W_P_0 (H, P)                       b, less the 1 for f that is added when it runs (forget_bias); Wp
        B_rest (H,)                                 only in files of bilm_tf_writer.py, which explains it
    softmax/W (V, P), b (V,)                        the softmax, in this file or in a separate one

d is 0 for the forward direction and 1 for the backward one. A checkpoint of TensorFlow has the same arrays as variables
with other names, which `variable` gives, and the softmax among them. The files are not trusted: memory is allocated
only when all shapes match the options and the file is large enough to hold that many values.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..config.schema import BiLMConfig
from ..data.vocabulary import SPECIAL_TOKENS, Vocabulary
from ..errors import UserError
from ..nn.bilm import BiLM
from ..nn.char_cnn import CharCNN
from ..nn.embedding import Embedding
from ..nn.lstm import LSTM
from ..nn.sampled_softmax import SampledSoftmax
from ..nn.softmax import Softmax
from ..types import Array
from .bilm_tf_options import Options
from .hdf5 import Weights
from .named_arrays import ROWS, NamedArrays
from .tf_checkpoint import Checkpoint, Variable, is_checkpoint

Path = str | os.PathLike[str]


def read(options: Path, weights: Path, *, vocabulary: Vocabulary | Path | None = None, softmax: Path | None = None,
         embedding: Path | None = None, dtype: npt.DTypeLike = np.float32) -> tuple[BiLM, Vocabulary]:
    """A model of published weights, and its vocabulary.

    options     JSON; unknown keys are ignored, and the number of characters may be 261 or 262
    weights     HDF5, or a checkpoint of TensorFlow: its name, such as model.ckpt-935588, or one of its files
    vocabulary  the words, or their file, one per line: needed by a model that reads words by id, and by a softmax
    softmax     HDF5 or a checkpoint with the softmax, if `weights` has none; without one the model cannot predict
    embedding   HDF5 with one vector per word of the vocabulary, which is then read in place of characters
    dtype       np.float32, or np.float64 for comparisons
    Raises UserError: a file that is missing, damaged or of another model.
    """
    words = vocabulary if vocabulary is None or isinstance(vocabulary, Vocabulary) else Vocabulary.load(vocabulary)
    said = Options.load(options)
    by_id = embedding is not None or not said.has("char_cnn")
    if words is None and (by_id or softmax is not None):
        what = "that reads words by id" if by_id else "with a softmax"
        raise UserError(f"{options}: a model {what} needs its words: give vocabulary=, or --vocabulary, a file with "
                        "one per line")
    with ExitStack() as opened:
        main = opened.enter_context(_arrays(weights))
        of_words = opened.enter_context(_arrays(embedding)) if embedding is not None else main
        of_softmax = opened.enter_context(_arrays(softmax)) if softmax is not None else main
        predict = words is not None and (softmax is not None or main.has("softmax/b"))
        tie = predict and by_id and said.flag("share_embedding_softmax") and not of_softmax.has("softmax/W")
        config = said.config(by_id=by_id, predict=predict, tie=tie,
                             lstm_projection=main.has(f"{_cell(main, 0, 0)}/W_P_0"),
                             forget_bias=0.0 if main.has(f"{_cell(main, 0, 0)}/B_rest") else 1.0)
        if sum(n for _, n in config.char_filters or ()) == config.embedding_dim and not main.has("CNN_proj/W_proj"):
            config = replace(config, char_projection=False)
        known = Vocabulary(SPECIAL_TOKENS) if words is None else words
        if predict and (samples := said.samples(len(known))):
            config = replace(config, softmax="sampled", samples=samples)    # to train further as before
        _expect(config, len(known), main, of_words, of_softmax)
        model = BiLM(config, len(known), rng=None, dtype=dtype)
        _fill(model, main, of_words, of_softmax)
    return model, known


class Variables(Checkpoint):
    """A checkpoint of bilm-tf, in which the arrays have the names that they have in HDF5."""

    def find(self, name: str) -> Variable | None:
        return super().find(variable(name))


def variable(name: str) -> str:
    """The name in a checkpoint of bilm-tf of an array with this name in HDF5."""
    for own, theirs in [("/RNN/", "/rnn/"), ("/MultiRNNCell/Cell", "/multi_rnn_cell/cell_"),
                        ("/LSTMCell/", "/lstm_cell/"), ("/W_P_0", "/projection/kernel"), ("/W_0", "/kernel")]:
        name = name.replace(own, theirs)
    if name.startswith("RNN_"):
        name = name.replace("/B", "/bias")
    return f"lm/{name}"


def _arrays(path: Path) -> NamedArrays:
    return Variables(path) if is_checkpoint(path) else Weights(path)


def has_lstm(weights: Path) -> bool:
    """Whether a file holds the LSTMs, rather than a softmax alone. Raises UserError."""
    with _arrays(weights) as file:
        return file.has(f"{_cell(file, 0, 0)}/W_0")


def has_softmax(weights: Path) -> bool:
    """Whether a file holds a softmax, or its biases where it is tied. Raises UserError."""
    with _arrays(weights) as file:
        return file.has("softmax/W") or file.has("softmax/b")


def _cell(file: NamedArrays, direction: int, layer: int) -> str:
    """The group of an LSTM. TensorFlow omits a level if there is only one layer."""
    alone = f"RNN_{direction}/RNN/LSTMCell"
    return alone if layer == 0 and file.has(f"{alone}/W_0") else \
        f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"


def _cells(config: BiLMConfig, file: NamedArrays) -> Iterator[tuple[int, int, str]]:
    return ((d, k, _cell(file, d, k)) for d in (0, 1) for k in range(config.layers))


def _expect(config: BiLMConfig, V: int, main: NamedArrays, of_words: NamedArrays, of_softmax: NamedArrays) -> None:
    """Raise UserError for a dataset that is missing, of another shape, or not in the options."""
    D, H, P = config.embedding_dim, config.hidden_dim, config.output_dim
    if config.char_filters is None:
        of_words.expect("embedding", (V, D), question=ROWS)
    else:
        C, F = config.char_dim, sum(n for _, n in config.char_filters)
        main.expect("char_embed", (261, C), (262, C))
        for i, (w, n) in enumerate(config.char_filters):
            main.expect(f"CNN/W_cnn_{i}", (1, w, C, n))
            main.expect(f"CNN/b_cnn_{i}", (n,))
        for k in range(config.char_highways):
            for gate in "carry", "transform":
                main.expect(f"CNN_high_{k}/W_{gate}", (F, F))
                main.expect(f"CNN_high_{k}/b_{gate}", (F,))
        if config.char_projection:
            main.expect("CNN_proj/W_proj", (F, D))
            main.expect("CNN_proj/b_proj", (D,))
        main.expect_none(f"CNN/W_cnn_{len(config.char_filters)}", "filters")
        main.expect_none(f"CNN_high_{config.char_highways}/W_carry", "n_highway")
    for _, k, cell in _cells(config, main):
        main.expect(f"{cell}/W_0", ((P if k else D) + P, 4*H))
        main.expect(f"{cell}/B", (4*H,))
        if not config.forget_bias:
            main.expect(f"{cell}/B_rest", (H,))
        if config.projection_dim:
            main.expect(f"{cell}/W_P_0", (H, P))
    main.expect_none(f"RNN_0/RNN/MultiRNNCell/Cell{config.layers}/LSTMCell/W_0", "n_layers")
    if config.predict:
        if not config.tie:
            of_softmax.expect("softmax/W", (V, P), question=ROWS)
        of_softmax.expect("softmax/b", (V,), question=ROWS)
    for file in {main, of_words, of_softmax}:
        file.expect_room()


def _fill(model: BiLM, main: NamedArrays, of_words: NamedArrays, of_softmax: NamedArrays) -> None:
    """Fill every array; what both directions share is filled once."""
    layer = model.forward_lm.embedding
    if isinstance(layer, Embedding):
        layer.E.value[...] = of_words.take("embedding")
    else:
        _fill_characters(layer, main)
    for direction, k, cell in _cells(model.config, main):
        own = (model.forward_lm, model.backward_lm)[direction].layers[k]
        if isinstance(own, LSTM):
            _fill_lstm(own, cell, main)
    softmax = model.forward_lm.softmax
    if isinstance(softmax, (Softmax, SampledSoftmax)):
        if not model.config.tie:
            softmax.W.value[...] = of_softmax.take("softmax/W")
        softmax.b.value[...] = of_softmax.take("softmax/b")


def _fill_characters(cnn: CharCNN, file: NamedArrays) -> None:
    E = file.take("char_embed")
    # Of 262 rows, either the first stands for no character, or the last was never used: options with 262 in training.
    cnn.E.value[1:] = E[1:] if len(E) == 262 and not E[0].any() else E[:261]
    for i, f in enumerate(cnn.filters):
        f.W.value[...] = file.take(f"CNN/W_cnn_{i}").reshape(f.W.value.shape)
        f.b.value[...] = file.take(f"CNN/b_cnn_{i}")
    for k, h in enumerate(cnn.highways):
        for name, p in ("W_carry", h.Wr), ("b_carry", h.br), ("W_transform", h.Wt), ("b_transform", h.bt):
            p.value[...] = file.take(f"CNN_high_{k}/{name}")
    if cnn.Wp is not None and cnn.bp is not None:
        cnn.Wp.value[...] = file.take("CNN_proj/W_proj")
        cnn.bp.value[...] = file.take("CNN_proj/b_proj")


def _fill_lstm(lstm: LSTM, cell: str, file: NamedArrays) -> None:
    W, D = file.take(f"{cell}/W_0"), len(lstm.Wx.value)
    lstm.Wx.value[...], lstm.Wh.value[...] = _our_gates(W[:D]), _our_gates(W[D:])
    lstm.b.value[...] = _our_gates(file.take(f"{cell}/B"))
    if not lstm.forget_bias:
        f = slice(len(lstm.b.value) // 4, len(lstm.b.value) // 2)
        rest = file.take(f"{cell}/B_rest")
        if abs(rest).max() > 1:
            raise UserError(f"{file.path}: {cell}/B_rest holds {abs(rest).max():.3g}, expected rounding errors of "
                            "at most 1")
        # In float64, in which the sum of the three, a float32 value, is exact.
        lstm.b.value[f] = lstm.b.value[f].astype(np.float64) + 1 + rest
    if lstm.Wp is not None:
        lstm.Wp.value[...] = file.take(f"{cell}/W_P_0")


def _our_gates(W: Array) -> Array:
    """(.., 4H) with the gates i j f o, j the candidate -> i f o g."""
    i, j, f, o = np.split(W, 4, axis=-1)
    return np.concatenate([i, f, o, j], axis=-1)
