"""The vector that a task's network reads for each word (N): made from the layers of a frozen biLM.

    (N1) x_t = [e_t ; c_t ; m_t],  where a task has an embedding e of its own, or the vector c of the word's
                                   characters, next to the biLM's vector m

    "mix"       the layer mix of all layers, (V3) and (V4): w and gamma are learnt
    "vector"    the article's v_t = W h_t_bi + b (V2) of the top layer: W and b are learnt
    "static"    layer 0, the word vectors, which do not depend on context: nothing is learnt
    "top", "0", "1", ..     one layer as it is: nothing is learnt
    "learnt"    an embedding (E) that is learnt with the task, without the biLM
    "characters"            a small CNN (C) over the word's characters, which is learnt with the task, without the biLM
    "learnt+mix", "characters+mix", "learnt+characters+mix", or another of the biLM's after the "+"     together, (N1)
    "bag", "bag+mix", ..    of a whole sentence: the words and short phrases that are in it, whatever their order,
                            alone, or beside what one of the others gives

    (N2) r_w[c] = log p_w[c] - (1 / C) sum_k log p_w[k],  p_w[c] = (1 + n_w[c]) / sum_v (1 + n_v[c])
    (N3) z_n = b + sum of W_w over the words and phrases w of sentence n,  scores of the C labels

n_w[c] counts the training sentences of label c that have w, so r is naive Bayes; W starts with a share of it, and is
then trained like everything else.

Dropout (D) acts on the result. Dimensions: J layers, T steps, B sentences, D = 2P width of a layer; V words and phrases
and C labels of a bag, K places for those of a sentence.
Source: Peters et al. 2018, sections 3.2 and 3.3: the mix, dropout on it, (N1), and lambda, "to bias the weights to stay
close to an average of all layers". (N2), McCallum and Nigam 1998; as the start of a linear classifier, Wang and Manning
2012. The characters, Ma and Hovy 2016: as many filters, over 3 characters each, as the vector has values.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...errors import UserError
from ...inference.elmo import ELMo
from ...nn.char_cnn import CharCNN
from ...nn.checks import check_array, check_sizes
from ...nn.dropout import dropout_backward, dropout_forward
from ...nn.embedding import scatter_add
from ...nn.parameter import Parameter
from ...nn.representation import ScalarMix, WordVector
from ...types import Array

LEARNT, CHARACTERS, BAG = "learnt", "characters", "bag"
MOST_CHARACTERS = 50    # of a word, as in the original ELMo
START_SHARE = 0.25      # of naive Bayes, which is too sure of itself, in the start of W


class InputParts(NamedTuple):
    """What an input consists of."""

    bag: bool
    learnt: bool
    characters: bool
    bilm: str           # "mix", "vector", "static", "top" or a layer; "" without the biLM

    @property
    def words(self) -> bool:
        """Whether the vector of each word is read."""
        return self.learnt or self.characters or self.bilm != ""


def input_parts(kind: str) -> InputParts:
    """The parts of an input: "bag+learnt+characters+mix" has all four. Raises UserError for nothing, also after a
    "+"."""
    rest = kind.split("+")
    found = []
    for part in BAG, LEARNT, CHARACTERS:
        found.append(rest[:1] == [part])
        rest = rest[found[-1]:]
    if "" in rest:
        raise UserError(f"input = {kind!r:.60}: expected {LEARNT}, or "
                        f"{LEARNT}+mix, or another input of the biLM after "
                        "the +")
    if len(rest) > 1 or {BAG, LEARNT, CHARACTERS} & {*rest}:
        raise UserError(f"input = {kind!r:.60}: expected each part once, "
                        "and in the order "
                        f"{BAG}+{LEARNT}+{CHARACTERS}+mix")
    bag, learnt, characters = found
    return InputParts(bag, learnt, characters, "+".join(rest))


class Cache(NamedTuple):
    inner: Any              # of the mix or of W and b; None for one layer
    mask: Array | None      # (T, B, D)


def layers_of(elmo: ELMo, kind: str) -> list[int]:
    """The layers that an input of this kind reads. Raises UserError for another kind."""
    top = elmo.model.config.layers
    layers = {"mix": elmo.layers, "vector": [top], "top": [top], "static": [0]}
    layers |= {str(layer): [layer] for layer in range(top + 1)}
    if kind not in layers:
        raise UserError(f"input = {kind!r:.60}: expected mix, vector, static, top, "
                        f"or a layer from 0 to {top} (for the tasks "
                        "classify, tag and translate also learnt, characters, "
                        "and either or both with + before one of these; for "
                        "classify also bag, and bag+)")
    return layers[kind]


class WordInput:
    """kind: as above; J, D: number and width of the layers; penalty: lambda, which is l2 of (V7); dropout: share
    dropped, in training."""

    def __init__(self, kind: str, J: int, D: int, *,
                 dropout: float = 0.0, penalty: float = 0.0,
                 rng: Generator, dtype: DTypeLike = np.float32):
        check_sizes("input", J=J, D=D)
        if kind != "mix" and J != 1:
            raise ValueError(f"input {kind!r} was given {J} layers, "
                             "expected 1")
        self.dropout = dropout
        self.mix: ScalarMix | None = None
        self.word_vector: WordVector | None = None
        if kind == "mix":
            self.mix = ScalarMix(J, l2=penalty, dtype=dtype)
        elif kind == "vector":
            self.word_vector = WordVector(D, D, rng=rng, dtype=dtype)

    def forward(self, layers: Array,
                rng: Generator | None = None) -> tuple[Array, Cache]:
        """layers (J, T, B, D); rng draws dropout, None for none -> x (T, B, D), cache."""
        inner: Any = None
        if self.mix:
            x, inner = self.mix.forward(layers)
        elif self.word_vector:
            x, inner = self.word_vector.forward(layers[0])
        else:
            x = layers[0]
        x, mask = dropout_forward(x, self.dropout, rng)
        return x, Cache(inner, mask)

    def backward(self, dx: Array, cache: Cache) -> Array:
        """dx (T, B, D) -> dlayers (J, T, B, D); accumulates into every Parameter.grad."""
        dx = dropout_backward(dx, cache.mask)
        if self.mix:
            return self.mix.backward(dx, cache.inner)
        if self.word_vector:
            dx = self.word_vector.backward(dx, cache.inner)
        return dx[None]

    def penalty(self) -> float:
        """What is added to the loss of a batch."""
        return self.mix.penalty() if self.mix else 0.0

    def penalty_backward(self, dloss: float) -> None:
        """dloss: gradient of whatever is minimised by the penalty; adds to the mix's w.grad."""
        if self.mix:
            self.mix.penalty_backward(dloss)


def character_cnn(width: int, *, rng: Generator, dtype: DTypeLike = np.float32) -> CharCNN:
    """The layer for c_t (T, B, width)."""
    return CharCNN(((3, width),), width, width, MOST_CHARACTERS, activation="tanh", project=False, rng=rng, dtype=dtype)


def beside(parts: Sequence[Array]) -> Array:
    """Arrays (T, B, width of each) -> x (T, B, the sum of the widths)."""
    return np.concatenate(parts, axis=-1)  # (N1)


def beside_backward(dx: Array, widths: Sequence[int]) -> list[Array]:
    """dx (T, B, the sum of the widths) -> the gradient of each part (T, B, its width)."""
    dparts = []
    for width, end in zip(widths, np.cumsum(widths), strict=True):
        part = dx[..., end - width:end]  # (N1)
        dparts.append(np.ascontiguousarray(part))
    return dparts


class BagCache(NamedTuple):
    ids: Array          # (K, B)
    share: Array        # (K, B, 1): 0 at padding and where dropped


class BagOfWords:
    """(N3): scores from the words and phrases of a sentence. V words and phrases, C labels; dropout: share of them
    dropped, in training."""

    def __init__(self, V: int, C: int, *, dropout: float = 0.0, dtype: DTypeLike = np.float32):
        check_sizes("bag of words", V=V, C=C)
        self.dropout = dropout
        self.W = Parameter(np.zeros((V, C), dtype))
        self.b = Parameter(np.zeros(C, dtype))

    def forward(self, ids: Array, rng: Generator | None = None) -> tuple[Array, BagCache]:
        """ids (K, B) in [0, V), -1 for padding; rng draws dropout, None for none -> z (B, C), cache."""
        live = (ids >= 0)[..., None].astype(self.W.value.dtype)
        share, _ = dropout_forward(live, self.dropout, rng)
        ids = np.maximum(ids, 0)
        z = self.b.value + (self.W.value[ids] * share).sum(axis=0)  # (N3)
        return z, BagCache(ids, share)

    def backward(self, dz: Array, cache: BagCache) -> None:
        """dz (B, C): accumulates into W.grad and b.grad. A word id has no gradient."""
        ids, share = cache
        check_array("gradient of a bag of words", dz, (ids.shape[1], len(self.b.value)), self.b.value.dtype)
        C = len(self.b.value)
        scatter_add(self.W.grad, ids.reshape(-1), (dz * share).reshape(-1, C))  # (N3)
        self.b.grad += dz.sum(axis=0)            # (N3)

    def start(self, ids: Array, y: Array) -> None:
        """ids (M,) of every word and phrase of every training sentence, y (M,) the label of that sentence: W becomes a
        share of naive Bayes."""
        counts = np.ones(self.W.value.shape)
        np.add.at(counts, (ids, y), 1)
        log_p = np.log(counts / counts.sum(axis=0))    # (N2)
        r = log_p - log_p.mean(axis=1, keepdims=True)  # (N2)
        self.W.value[...] = START_SHARE * r
