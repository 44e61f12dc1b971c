"""Embedding at the sizes of published ELMo models, compared with PyTorch and with ONNX Runtime; and how long such a
model takes to load.

    python benchmarks/embed.py [--json FILE] [--rounds N] [--threads N] [--only NAME...] [--quick]

The weights are random, the sentences English: every seventh of the corpus `pydoc`. All sides take lists of words and
give all layers of every word; they start from the same weights, and must give the same vectors before anything is
timed. See embed_sizes.py for the sizes, embed_torch.py and embed_onnx.py for the other sides.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from embed_sizes import EmbedSizes
from side_by_side import Benchmark, command
from works import ONNX, Goal, Work

GROUPS = {
    "embed": "All layers of every word, at the sizes of 2x1024_128_2048cnn_1xhighway (small) and "
             "2x4096_512_2048cnn_2xhighway (original)",
    "onnx": "The same, compared with ONNX Runtime",
    "load": "A model of these sizes from its own file",
}
MODELS = {"small": {}, "original": {"H": 4096, "P": 512, "highways": 2}}
# {model: {sentences: goal of the ratio with two threads}}; there is no goal for one
GOALS = {"small": {30: 10.0, 300: 15.0}, "original": {1: 2.0, 3: 2.0, 30: 4.0, 300: 5.0}}
ONE_THREAD = 30         # sentences that one thread embeds too


def works(threads: int = 2, quick: bool = False) -> list[Work]:
    """threads: for the first rows; 30 sentences also run on one. quick: a tenth of the sentences."""
    made, onnx = [], []
    for name, sizes in MODELS.items():
        texts = {number: EmbedSizes(max(1, number // 10) if quick else number, **sizes) for number in GOALS[name]}
        for number, ratio in GOALS[name].items():
            goal = Goal(ratio) if threads == 2 else Goal()
            made.append(Work(f"{name}-{number}", "embed", "embed", texts[number], threads, goal=goal))
            onnx.append(Work(f"onnx-{name}-{number}", "onnx", "embed", texts[number], threads, ONNX))
        if threads == 2:
            made.append(Work(f"{name}-{ONE_THREAD}-one-thread", "embed", "embed", texts[ONE_THREAD], 1))
    return made + onnx + [Work(f"load-{name}", "load", "load", EmbedSizes(0, **sizes), threads, None)
                          for name, sizes in MODELS.items()]


EMBED = Benchmark("embed.py", "Embed sentences with elmo_np, PyTorch and ONNX Runtime, side by side.", GROUPS, works)


def main(argv: Sequence[str] | None = None) -> int:
    return command(EMBED, argv)


if __name__ == "__main__":
    sys.exit(main())
