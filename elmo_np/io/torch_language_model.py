"""LSTM and GRU language models of PyTorch's word_language_model example, and of the many programs that began as it.

    encoder.weight (V, D)           E
    rnn.weight_ih_lk (4H, D)        Wx, transposed; gates i f g o, or r z n of a GRU, (3H, D)
    rnn.weight_hh_lk (4H, H)        Wh, transposed
    rnn.bias_ih_lk, bias_hh_lk      b, their sum; of a GRU's candidate gate n, bias_hh is bh
    decoder.weight (V, H), bias     the softmax; the same values as encoder.weight where both are tied

Such a model reads one way, and <eos> is both the end of a sentence and what the next one begins after: it becomes </S>,
and <S>, a word more, has its vector and is never predicted. <unk> becomes <UNK>. Dropout is not read.
Source: examples/word_language_model of PyTorch; colorlessgreenRNNs of Gulordava et al. 2018; neural-complexity of van
Schijndel and Linzen 2018.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import count

import numpy as np

from ..config.schema import BiLMConfig
from ..data.vocabulary import BOS, EOS, UNK, Vocabulary, lines_of
from ..errors import UserError
from ..nn.bilm import BiLM
from ..nn.cell import Cell
from ..nn.embedding import Embedding
from ..nn.gru import GRU
from ..nn.lstm import LSTM
from ..nn.softmax import Softmax
from ..runtime.files import open_regular
from ..types import Array
from .named_arrays import ROWS
from .pickled_tensors import Object
from .torch_file import TorchFile, is_torch

Path = str | os.PathLike[str]
THEIR_END, THEIR_UNKNOWN = "<eos>", "<unk>"
CELLS = {4: "lstm", 3: "gru"}           # by the number of gates
NEVER = -1e4                            # the bias of a word that is not predicted: its probability is 0 in float32
EXPECTED = "expected an LSTM or a GRU of PyTorch's word_language_model family"


def read(path: Path, vocabulary: Path) -> tuple[BiLM, Vocabulary]:
    """A model in a file of torch.save, a state dict or a whole module, and its words.

    vocabulary      the words, one per line, <eos> and <unk> among them; or the Dictionary that neural-complexity saves
                    with torch.save, which holds them as idx2word
    Raises UserError: a file that is missing, damaged or of another model.
    """
    known = _words(vocabulary)
    with TorchFile(path) as file:
        home = _home(file)
        config = _config(file, home, len(known) - 1)
        model = BiLM(config, len(known), rng=None)
        _fill(model, file, home, known)
    return model, known


def _words(path: Path) -> Vocabulary:
    """The words of a file. Raises UserError."""
    saved = _saved_words(path)
    if saved is None:
        with lines_of(path) as lines:
            return _known(lines)
    try:
        return _known(saved)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _known(words: Iterable[str]) -> Vocabulary:
    """The words of such a model as ours, with <S> after them."""
    ours = [{THEIR_END: EOS, THEIR_UNKNOWN: UNK}.get(word, word) for word in words]
    if not {EOS, UNK} <= set(ours):
        raise UserError(f"it has no {THEIR_END} or no {THEIR_UNKNOWN}, expected both: the words of the model as it was "
                        "trained")
    return Vocabulary([*ours, BOS], unknown=THEIR_UNKNOWN)


def _saved_words(path: Path) -> list[str] | None:
    """The words in a file of torch.save; None for a file of another kind. Raises UserError."""
    try:
        with open_regular(path) as file:
            if not is_torch(file, path):
                return None
    except OSError:
        return None             # whoever reads its lines reports it
    with TorchFile(path) as saved:
        words = saved.value.attributes.get("idx2word") if isinstance(saved.value, Object) else None
    if type(words) is not list or not all(isinstance(word, str) for word in words):
        raise UserError(f"{path} is a file of PyTorch without a list idx2word: expected the words, one per line, or a "
                        "Dictionary that neural-complexity saved")
    return words


def _home(file: TorchFile) -> str:
    """What the names begin with, such as "model." in a dict with other things."""
    end = "encoder.weight"
    homes = [name.removesuffix(end) for name in file.tensors if name.endswith(end)]
    if len(homes) != 1:
        found = "no encoder.weight" if not homes else f"{len(homes)} arrays encoder.weight"
        raise UserError(f"{file.path}: found {found}, {EXPECTED}")
    return homes[0]


def _config(file: TorchFile, home: str, V: int) -> BiLMConfig:
    """The shape of the model, after all arrays have been compared with it."""
    D, (rows, H) = _shape(file, f"{home}encoder.weight")[1], _shape(file, f"{home}rnn.weight_hh_l0")
    gates = rows // H
    if gates not in CELLS or rows % H:
        raise UserError(f"{file.path}: found {rows} rows for {H} cells in rnn.weight_hh_l0, {EXPECTED}")
    layers = next(k for k in count() if not file.has(f"{home}rnn.weight_ih_l{k}"))
    shapes = {"encoder.weight": (V, D), "decoder.weight": (V, H), "decoder.bias": (V,)}
    for k in range(layers):
        shapes[f"rnn.weight_ih_l{k}"] = (rows, H if k else D)
        shapes[f"rnn.weight_hh_l{k}"] = (rows, H)
        shapes[f"rnn.bias_ih_l{k}"] = shapes[f"rnn.bias_hh_l{k}"] = (rows,)
    for name in file.tensors:
        if name.startswith(home) and name.removeprefix(home) not in shapes:
            raise UserError(f"{file.path} has {name:.60}, which such a model does not have: {EXPECTED}")
    tie = _expect(file, home, shapes)
    return BiLMConfig(direction="forward", embedding_dim=D, cell=CELLS[gates], hidden_dim=H, layers=layers, tie=tie)


def _shape(file: TorchFile, name: str) -> tuple[int, int]:
    found = file.find(name)
    if found is None or len(found.shape) != 2 or 0 in found.shape:
        raise UserError(f"{file.path}: found {found or 'nothing'} for {name}, {EXPECTED}")
    return found.shape[0], found.shape[1]


def _expect(file: TorchFile, home: str, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Compare the arrays with the shapes -> whether the softmax is tied: one array, or two with the same values."""
    E, W = f"{home}encoder.weight", f"{home}decoder.weight"
    one = shapes["encoder.weight"] == shapes["decoder.weight"] and file.find(E) == file.find(W)
    for name, shape in shapes.items():
        if not (one and home + name == W):
            file.expect(home + name, shape, question=EXPECTED if name.startswith("rnn.") else ROWS)
    file.expect_room()
    return one or (shapes["encoder.weight"] == shapes["decoder.weight"] and np.array_equal(file.take(E), file.take(W)))


def _fill(model: BiLM, file: TorchFile, home: str, words: Vocabulary) -> None:
    lm = model.forward_lm
    if isinstance(lm.embedding, Embedding):
        lm.embedding.E.value[:-1] = file.take(f"{home}encoder.weight")
        lm.embedding.E.value[words.bos] = lm.embedding.E.value[words.eos]
    for k, layer in enumerate(lm.layers):
        _fill_layer(layer, *(file.take(f"{home}rnn.{name}_l{k}") for name in ("weight_ih", "weight_hh", "bias_ih",
                                                                              "bias_hh")))
    if isinstance(lm.softmax, Softmax):
        if not model.config.tie:
            lm.softmax.W.value[:-1] = file.take(f"{home}decoder.weight")
            lm.softmax.W.value[words.bos] = 0
        lm.softmax.b.value[:-1] = file.take(f"{home}decoder.bias")
        lm.softmax.b.value[words.bos] = NEVER


def _fill_layer(layer: Cell, Wx: Array, Wh: Array, bx: Array, bh: Array) -> None:
    if isinstance(layer, LSTM):
        layer.Wx.value[...], layer.Wh.value[...] = _our_gates(Wx.T), _our_gates(Wh.T)
        layer.b.value[...] = _our_gates(bx + bh)
    elif isinstance(layer, GRU):
        n = slice(2 * Wh.shape[1], None)
        layer.Wx.value[...], layer.Wh.value[...] = Wx.T, Wh.T
        layer.b.value[...] = bx + bh
        layer.b.value[n], layer.bh.value[...] = bx[n], bh[n]


def _our_gates(W: Array) -> Array:
    """(.., 4H) with the gates i f g o -> i f o g."""
    i, f, g, o = np.split(W, 4, axis=-1)
    return np.concatenate([i, f, o, g], axis=-1)
