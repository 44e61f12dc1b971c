"""The lower half of classifier, tagger and translator: the input (N), with an embedding (E) or a CNN over characters
(C) of its own where the settings ask for one, and, unless hidden_dim is none, a bidirectional LSTM (U)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...nn import char_cnn, embedding
from ...nn.dropout import dropout_backward, dropout_forward
from ...nn.embedding import Embedding
from ...types import Array
from ..nn import bilstm, inputs, tuned_bilm
from ..nn.bilstm import BiLSTM
from ..nn.inputs import WordInput, beside, beside_backward, character_cnn, input_parts
from ..nn.tuned_bilm import TunedBilm
from .config import TaskConfig


class SourceBatch(NamedTuple):
    """The sentences of a batch, in the forms that the input needs."""

    layers: Array | None            # (J, T, B, D)
    ids: Array | None = None        # (T, B): of words, for a learnt embedding
    bag: Array | None = None        # (K, B): of the words and phrases in a sentence, -1 for padding
    words: Array | None = None      # (T+2, B) or (T+2, B, K): what a biLM reads that is trained with the task
    spelling: Array | None = None   # (T, B, K): the characters of the words, for a CNN of the task's own


class EncoderCache(NamedTuple):
    embedding: embedding.Cache | None
    learnt: Array | None            # dropout of the embedding, (T, B, D)
    characters: char_cnn.Cache | None
    spelled: Array | None           # dropout of what it returns, (T, B, char_dim)
    bilm: tuned_bilm.Cache | None
    input: inputs.Cache | None
    lstm: bilstm.Cache | None


class SentenceEncoder:
    """The base class of their networks.

    J, D    number and width of the layers
    N       words of a learnt embedding
    width   that of what `encode` returns; 0 for an input that reads no word by itself
    widths  those of the parts of x (N1)
    bilm    a biLM that is trained with the task; None: its layers are given
    """

    bilm: TunedBilm | None = None

    def __init__(self, J: int, D: int, config: TaskConfig, *, N: int = 0, rng: Generator,
                 dtype: DTypeLike = np.float32):
        self.dropout = config.dropout
        self.input_dropout = config.input_dropout
        parts = input_parts(config.input)
        self.embedding = Embedding(N, D, rng=rng, dtype=dtype) if parts.learnt else None
        self.input = WordInput(parts.bilm, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype) if parts.bilm else None
        self.characters = character_cnn(config.char_dim, rng=rng, dtype=dtype) if parts.characters else None
        self.widths = [D] * parts.learnt + [config.char_dim] * parts.characters + [D] * bool(parts.bilm)
        width = sum(self.widths)
        self.lstm = BiLSTM(width, config.hidden_dim, rng=rng, dtype=dtype) if config.hidden_dim and width else None
        self.width = 2 * config.hidden_dim if config.hidden_dim and width else width

    def encode(self, source: Array | SourceBatch, lengths: Array,
               rng: Generator | None = None) -> tuple[Array, EncoderCache]:
        """source: the layers (J, T, B, D), or all that the input reads; lengths (B,); rng draws dropout, None for none
        -> x (T, B, width), cache."""
        source = as_batch(source)
        embedding_cache = learnt = characters_cache = spelled = bilm_cache = input_cache = None
        parts: list[Array] = []
        if self.embedding:
            assert source.ids is not None
            e, embedding_cache = self.embedding.forward(source.ids)
            e, learnt = dropout_forward(e, self.input_dropout, rng)
            parts.append(e)
        if self.characters:
            assert source.spelling is not None
            c, characters_cache = self.characters.forward(source.spelling)
            c, spelled = dropout_forward(c, self.input_dropout, rng)
            parts.append(c)
        if self.input:
            layers = source.layers
            if self.bilm:
                assert source.words is not None
                layers, bilm_cache = self.bilm.forward(source.words, lengths, rng)
            assert layers is not None
            m, input_cache = self.input.forward(layers, rng)
            parts.append(m)
        x = beside(parts)
        x, lstm_cache = self.lstm.forward(x, lengths) if self.lstm else (x, None)
        return x, EncoderCache(embedding_cache, learnt, characters_cache, spelled, bilm_cache, input_cache, lstm_cache)

    def encode_backward(self, dx: Array, dloss: float, cache: EncoderCache) -> None:
        """dx (T, B, width); dloss: gradient of the minimised quantity by the loss that the input's penalty is part of;
        accumulates into every Parameter.grad."""
        if self.lstm and cache.lstm:
            dx = self.lstm.backward(dx, cache.lstm)
        dparts = beside_backward(dx, self.widths)
        if self.input and cache.input:
            dlayers = self.input.backward(dparts.pop(), cache.input)
            self.input.penalty_backward(dloss)
            if self.bilm and cache.bilm:
                self.bilm.backward(dlayers, cache.bilm)
        if self.characters and cache.characters:
            self.characters.backward(dropout_backward(dparts.pop(), cache.spelled), cache.characters)
        if self.embedding and cache.embedding:
            self.embedding.backward(dropout_backward(dparts.pop(), cache.learnt), cache.embedding)

    def penalty(self) -> float:
        """What the input adds to the loss of a batch."""
        return self.input.penalty() if self.input else 0.0


def as_batch(source: Array | SourceBatch) -> SourceBatch:
    """Layers alone as a batch."""
    return source if isinstance(source, SourceBatch) else SourceBatch(source)
