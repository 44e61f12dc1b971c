"""A model as published weights: the files that bilm_tf_reader.py reads, for other programs that read the original's.

Names, layouts and gates are those of bilm_tf_reader.py. All values are kept, with one exception. The original adds 1 to
the bias of the forget gate when it runs, so the file needs b - 1, which float32 does not hold exactly for b below 1/2:

    B = b - 1, rounded                      read by other programs, which add 1 to it
    B_rest (H,) = b - (B + 1), exactly      also written, for our own reader: with it a model comes back bit for bit

A model with forget_bias = 1, as all published ones have when read, holds B itself and needs no B_rest.
"""

import json
import os
from collections.abc import Iterator

import numpy as np

from ..config.schema import BiLMConfig
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..nn.bilm import BiLM
from ..nn.char_cnn import CharCNN
from ..nn.lstm import LSTM
from ..nn.sampled_softmax import SampledSoftmax
from ..nn.softmax import Softmax
from ..runtime.files import atomic_write_text
from ..types import Array
from . import hdf5
from .bilm_tf_options import table_of

ALLENNLP_CHARACTERS = 50        # per word: the only number that AllenNLP makes of a text
Path = str | os.PathLike[str]
Datasets = Iterator[tuple[str, Array]]


def write(model: BiLM, words: Vocabulary, options: Path, weights: Path, vocabulary: Path | None = None) -> None:
    """Write a language model and its words. The format has no place for W and b of v_t and the layer mix of a task.

    options     the JSON file to write
    weights     the HDF5 file to write, in float32, with the softmax if there is one
    vocabulary  the file of words to write; None: none
    Each file is replaced as a whole, and the same model gives the same bytes.
    Raises UserError: a model that does not fit the format, naming the setting; a file that cannot be written; h5py is
    not installed.
    """
    check(model.config)
    hdf5.write(weights, _datasets(model))
    atomic_write_text(options, json.dumps(table_of(model.config)) + "\n")
    if vocabulary is not None:
        words.save(vocabulary)


def check(config: BiLMConfig) -> None:
    """Raise UserError for the first setting that does not fit the format."""
    D, H, P = config.embedding_dim, config.hidden_dim, config.projection_dim
    for in_the_way, found, expected in [
        (config.direction != "both", f"direction = {config.direction}", "both"),
        (config.cell != "lstm", f"cell = {config.cell}", "lstm, the only cell that it has arrays for"),
        (not config.share_embedding, "share_embedding = false", "true, because both directions have one token layer"),
        (config.predict and not config.share_softmax, "share_softmax = false",
         "true, because both directions have one softmax"),
        (config.predict and config.softmax == "adaptive", "softmax = adaptive", "a softmax without clusters"),
        (config.tie and config.output_dim != D, f"tie = true with embedding_dim = {D}",
         f"{config.output_dim}, the size of the output, or tie = false"),
        (P is not None and D != P, f"embedding_dim = {D} with projection_dim = {P}", "equal widths"),
        (P is None and D < H, f"embedding_dim = {D} with hidden_dim = {H} and projection_dim = none",
         f"at least {H}, or a projection to {D}"),
    ]:
        if in_the_way:
            raise UserError(f"{found}: the format of published weights cannot represent that; expected {expected}: "
                            "train a model with that, or keep this one in elmo_np's own format")


def readers(config: BiLMConfig) -> list[str]:
    """The original programs that read the written files as this model: both refuse or alter some that fit the format.

    Source: bilm/model.py of bilm-tf; modules/elmo.py, modules/elmo_lstm.py and data/token_indexers/elmo_indexer.py of
    AllenNLP.
    """
    D, H, P, filters = config.embedding_dim, config.hidden_dim, config.projection_dim, config.char_filters
    narrower = filters is None or not config.char_projection or sum(n for _, n in filters) > D
    found = []
    if narrower and (P is None or P < H):           # it omits a projection that does not reduce the width
        found.append("bilm-tf")
    if filters is not None and config.char_projection and P is not None and config.residual \
            and config.max_characters == ALLENNLP_CHARACTERS:               # it requires all of them
        found.append("AllenNLP")
    return found


def _datasets(model: BiLM) -> Datasets:
    """Every dataset in turn, so that memory is needed for one at a time."""
    layer = model.forward_lm.embedding
    if isinstance(layer, CharCNN):
        yield from _characters(layer)
    else:
        yield "embedding", layer.E.value
    for d, lm in enumerate((model.forward_lm, model.backward_lm)):
        for k, own in enumerate(lm.layers):
            if isinstance(own, LSTM):
                yield from _lstm(own, f"RNN_{d}/RNN/MultiRNNCell/Cell{k}/LSTMCell")
    softmax = model.forward_lm.softmax
    if isinstance(softmax, (Softmax, SampledSoftmax)):
        if not model.config.tie:
            yield "softmax/W", softmax.W.value
        yield "softmax/b", softmax.b.value


def _characters(cnn: CharCNN) -> Datasets:
    yield "char_embed", cnn.E.value[1:]         # without the row for no character
    C = cnn.E.value.shape[1]
    for i, f in enumerate(cnn.filters):
        yield f"CNN/W_cnn_{i}", f.W.value.reshape(1, f.w, C, -1)
        yield f"CNN/b_cnn_{i}", f.b.value
    for k, h in enumerate(cnn.highways):
        for name, p in ("W_carry", h.Wr), ("b_carry", h.br), ("W_transform", h.Wt), ("b_transform", h.bt):
            yield f"CNN_high_{k}/{name}", p.value
    if cnn.Wp is not None and cnn.bp is not None:
        yield "CNN_proj/W_proj", cnn.Wp.value
        yield "CNN_proj/b_proj", cnn.bp.value


def _lstm(lstm: LSTM, cell: str) -> Datasets:
    yield f"{cell}/W_0", _their_gates(np.concatenate([lstm.Wx.value, lstm.Wh.value]))
    B = lstm.b.value
    if lstm.forget_bias != 1:
        B, H = lstm.bias().astype(np.float32), len(lstm.b.value) // 4
        B[H:2*H], rest = _less_one(B[H:2*H])
        yield f"{cell}/B_rest", rest
    yield f"{cell}/B", _their_gates(B)
    if lstm.Wp is not None:
        yield f"{cell}/W_P_0", lstm.Wp.value


def _less_one(b: Array) -> tuple[Array, Array]:
    """b - 1 rounded to float32, and the rounding error, exactly (Knuth's sum of two numbers)."""
    one = b.dtype.type(-1)
    B = b + one
    b_part = B - one
    rest: Array = (b - b_part) + (one - (B - b_part))
    return B, rest


def _their_gates(W: Array) -> Array:
    """(.., 4H) with the gates i f o g -> i j f o, j the candidate."""
    i, f, o, g = np.split(W, 4, axis=-1)
    return np.concatenate([i, g, f, o], axis=-1)
