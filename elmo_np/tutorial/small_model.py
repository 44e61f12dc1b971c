"""A small model that is the same wherever it is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..config.schema import BiLMConfig
from ..data.batches import sentence_batches
from ..data.vocabulary import Vocabulary
from ..inference.elmo import ELMo
from ..inference.token_indexer import batch_of, token_indexer
from ..nn.bilm import BiLM
from ..nn.optim import Adam, clip_scale, global_norm
from ..nn.parameter import parameters
from ..runtime.threads import one_blas_thread


def trained(sentences: Sequence[Sequence[str]], config: BiLMConfig, *, epochs: int = 1, rate: float = 0.01,
            batch_size: int = 16, seed: int = 0) -> ELMo:
    """A biLM trained on `sentences` with Adam, each sentence from a zero state.

    Processors and libraries round differently, and updates amplify the differences. In float64, with an epsilon far
    above the rounding error of a gradient, they reach 1e-13 after a few hundred updates, which no printed value shows;
    with Adam's usual 1e-8 they reach 1e-4, because a step is then as long for noise as for a gradient. The filters of a
    character CNN need smaller steps: with rate 0.01 they may exceed 1e-7 after a few hundred updates, with 0.005 1e-9.
    """
    vocabulary = Vocabulary.build(sentences)
    model = BiLM(config, len(vocabulary), rng=np.random.default_rng(seed), dtype=np.float64)
    arrays = parameters(model)
    optimizer = Adam(arrays, rate, epsilon=1e-4)
    words = token_indexer(model, vocabulary)
    encoded = [words.encode(sentence) for sentence in sentences]
    with one_blas_thread():
        for _ in range(epochs):
            for batch in sentence_batches(encoded, batch_size):
                _, _, cache = model.forward(batch_of(words, batch))
                model.backward(1.0, cache)
                optimizer.step(clip_scale(global_norm(arrays), 5.0))
                for parameter in arrays.values():
                    parameter.zero_grad()
    return ELMo(model, vocabulary)
