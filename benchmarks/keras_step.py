"""A training step compared with Keras, which the article uses, at the article's sizes. Run by hand; needs TensorFlow.

    python benchmarks/keras_step.py [--rounds N]

Keras gets one model per direction (embedding, LSTM, dense layer of logits), the same batch and the same optimiser, and
`fit` over many batches, which is its fastest way, and its own threads. Its model has one embedding per
direction, and so does elmo_np's here.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from jobs_elmo_np import CLIP_NORM, MOMENTUM, RATE, random_batch, training_step
from machine import describe
from works import all_works

from elmo_np.config.schema import BiLMConfig
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.optim import SGD
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.threads import one_blas_thread

BATCHES = 20        # per turn


def main() -> int:
    parser = argparse.ArgumentParser(description="elmo_np and Keras, a training step at the article's sizes.")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns of each side (default 5)")
    args = parser.parse_args()
    try:
        import keras
    except ImportError:
        print("keras_step.py: error: Keras is not installed: pip install tensorflow-cpu", file=sys.stderr)
        return 2
    sides = {"elmo_np": elmo_np_turn(), "Keras": keras_turn()}
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in sides.values():             # Keras compiles at its first batch
        turn()
    for _ in range(args.rounds):
        for name, turn in sides.items():
            start = time.perf_counter()
            turn()
            found[name].append((time.perf_counter() - start) / BATCHES)
            time.sleep(0.2)                 # until the other side's threads are idle
    ratios = [b / a for a, b in zip(found["elmo_np"], found["Keras"], strict=True)]
    print(f"{describe('')}; Keras {keras.__version__}")
    print(f"article's sizes: elmo_np {1e3 * statistics.median(found['elmo_np']):.1f} ms, "
          f"Keras {1e3 * statistics.median(found['Keras']):.1f} ms, ratio {statistics.median(ratios):.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f})")
    return 0


def elmo_np_turn() -> Callable[[], None]:
    sizes = next(work.sizes for work in all_works(2, False) if work.name == "article")
    model = BiLM(BiLMConfig(embedding_dim=sizes.E, hidden_dim=sizes.H, layers=sizes.L), sizes.V,
                 rng=np.random.default_rng(0))
    over, batch = parameters(model), random_batch(sizes)
    optimizer = SGD(over, RATE, MOMENTUM, nesterov=True)

    def turn() -> None:
        with one_blas_thread():
            for _ in range(BATCHES):
                training_step(model, optimizer, over, batch)
    return turn


def keras_turn() -> Callable[[], None]:
    import keras

    sizes = next(work.sizes for work in all_works(2, False) if work.name == "article")
    batch = random_batch(sizes)
    fits = []
    for side in batch.forward, batch.backward:
        model = keras.Sequential([
            keras.Input((sizes.T,), batch_size=sizes.B, dtype="int32"), keras.layers.Embedding(sizes.V, sizes.E),
            keras.layers.LSTM(sizes.H, return_sequences=True), keras.layers.Dense(sizes.V)])
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                      optimizer=keras.optimizers.SGD(RATE, MOMENTUM, nesterov=True, global_clipnorm=CLIP_NORM))
        x, y = (np.tile(array.T.astype(np.int32), (BATCHES, 1)) for array in (side.x, side.y))
        fits.append((model, x, y))

    def turn() -> None:
        for model, x, y in fits:
            model.fit(x, y, batch_size=sizes.B, epochs=1, shuffle=False, verbose=0)
    return turn


if __name__ == "__main__":
    sys.exit(main())
