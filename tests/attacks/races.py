"""Training in two directions, on two threads: no race in the kernels, under ThreadSanitizer."""

from pathlib import Path

import numpy as np

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.batches import stream_batches
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.optim import Adam
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.threads import threads
from tests.attacks.attempts import Limits, Try
from tests.attacks.sanitizers import instrumented

SHORT, LONG = 5, 300
LIMITS = Limits(seconds=600)


def environment(folder: Path) -> tuple[Path, dict[str, str]]:
    return instrumented(folder, ["-fsanitize=thread"], "libtsan.so", OPENBLAS_NUM_THREADS="1",
                        TSAN_OPTIONS="die_after_fork=0 halt_on_error=1 exitcode=66 report_signal_unsafe=0")


def prepare(home: Path) -> None:
    """Nothing is needed."""


def trained(attempt: Try) -> None:
    """Steps of a model of random sizes."""
    rng = attempt.rng
    V, D, H = (int(n) for n in rng.integers(4, 40, 3))
    config = BiLMConfig(embedding_dim=D, hidden_dim=H, layers=int(rng.integers(1, 3)),
                        share_embedding=bool(rng.integers(2)), dropout=0.1)
    model = BiLM(config, V, rng=rng)
    own = parameters(model)
    optimizer = Adam(own, 0.01)
    sentences = [[0, *map(int, rng.integers(2, V, length)), 1] for length in rng.integers(1, 12, 20)]
    generators = (np.random.default_rng(0), np.random.default_rng(1))
    state = None
    with threads(2):
        for batch in stream_batches(sentences, 4, 7):
            loss, state, cache = model.forward(batch, state, generators)
            model.backward(1.0, cache)
            optimizer.step()
            assert np.isfinite(loss.forward + loss.backward)


CASES = {"two directions": trained}
