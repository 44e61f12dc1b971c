"""The same sentence has the same vectors, bit for bit, alone and in any batch, on every SIMD path.

Without kernels a BLAS rounds by the shape of a batch, and nothing of the kind is promised.
"""

import functools
from pathlib import Path

import numpy as np

from elmo_np import ELMo, backend
from tests.attacks.attempts import Case, Limits, Skip, Try
from tests.embedding_helpers import CORPUS, of_characters, of_words

SHORT, LONG = 60, 7_000        # batches, of 1 to 32 sentences
LIMITS = Limits(seconds=600)
WORDS = sorted({word for sentence in CORPUS for word in sentence})
MODELS = {
    "words": of_words,
    "words, projected": lambda: of_words(hidden_dim=37, projection_dim=19, embedding_dim=19, residual=True,
                                         cell_clip=3.0),
    "words, wide": lambda: of_words(hidden_dim=130, embedding_dim=70),
    "characters": of_characters,
    "characters, wide": lambda: of_characters(hidden_dim=64, projection_dim=32, embedding_dim=32,
                                              char_filters=((1, 30), (2, 40), (4, 70)), char_highways=2),
}


def prepare(home: Path) -> None:
    if backend.why_not():
        raise Skip(backend.why_not())


@functools.cache
def model(name: str) -> ELMo:
    return MODELS[name]()


def of(name: str, path: str) -> Case:
    def case(attempt: Try) -> None:
        rng = attempt.rng
        lengths = [int(2 ** rng.uniform(0, 6)) for _ in range(rng.integers(1, 33))]
        sentences = [[str(word) for word in rng.choice(WORDS, length)] for length in lengths]
        with backend.use_simd(path):
            together = model(name).embed(sentences)
            chosen = rng.choice(len(sentences), min(len(sentences), 9), replace=False)
            for k in chosen:
                alone, = model(name).embed([sentences[k]])
                np.testing.assert_array_equal(alone, together[k])
    return case


CASES = {f"{name}, {path}": of(name, path) for name in MODELS
         for path in (() if backend.why_not() else backend.simd_paths())} or {"no kernels": prepare}
