"""The works to measure: their names, sizes, floating-point operations and goals."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from embed_sizes import EmbedSizes

import elmo_np  # noqa: F401  (importing it fills the registry of twins)
from elmo_np.backend import TWINS
from elmo_np.errors import UserError

TORCH, COMPILED, ONNX, REFERENCE = "PyTorch", "PyTorch compiled", "ONNX Runtime", "NumPy reference"
PLAIN = "without regularisers"
PRODUCT = 2048          # rows and columns of the large product: 48 MB of float32, more than a core's caches hold
PRODUCT_FLOPS = 2 * PRODUCT**3
SPLIT, BLAS_THREADS = "NumPy, a half on each of two threads", "NumPy, threads of BLAS"      # ways to compute it
GROUPS = {
    "step": "One training step: two directions, full softmax, clipping by the global norm 5, SGD 0.01 with Nesterov "
            "momentum 0.9",
    "lstm": "One direction's LSTM, forward and backward with the input's gradient",
    "softmax": "The full softmax's loss with all its gradients",
    "compiled": "The same step against PyTorch's, compiled by torch.compile",
    "regularised": "The same step with AWD-LSTM's regularisers (Merity et al. 2018), against PyTorch's with the same",
    "cost": "The same step with them against one without",
    "reference": "The kernels against the NumPy reference",
    "twins": "Each kernel against its NumPy reference: all its calls of one training step at the article's sizes",
    "growth": "How the cost grows: a step, one dimension doubled and the others fixed; an epoch of a longer corpus",
}


@dataclass(frozen=True)
class Sizes:
    """Sizes of a model and a batch, named as in the equations.

    V words (0: no softmax), E width of a word's vector, H cells, L layers, B sequences, T steps, P projected width
    """

    V: int
    E: int
    H: int
    L: int
    B: int
    T: int
    P: int | None = None

    @property
    def tokens(self) -> int:
        return self.T * self.B

    @property
    def output(self) -> int:
        """Width of a layer's output."""
        return self.P or self.H

    def lstm_flops(self) -> int:
        """One direction's layers, forward and backward: the gradients of input and weights are one product each."""
        inputs = [self.E] + [self.output] * (self.L - 1)
        projection = 2 * self.H * self.P if self.P else 0
        return 3 * self.tokens * sum(8 * self.H * (D + self.output) + projection for D in inputs)

    def softmax_flops(self) -> int:
        """One direction's softmax, forward and backward."""
        return 3 * self.tokens * 2 * self.output * self.V

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items() if value)


@dataclass(frozen=True)
class Goal:
    """ratio: least multiple of the peer's speed; memory: largest share of the peer's peak; share: of the product."""

    ratio: float | None = None
    memory: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Work:
    """One line of a table.

    kind     what runs: step, regularised, lstm, softmax, twin, corpus, embed, load or product (matrix_product.py)
    peer     what it is compared with: TORCH, COMPILED, ONNX, REFERENCE, PLAIN or None
    detail   twin: its name; corpus: the number of sentences; product: the way to compute it
    grows    in the table of growth: the dimension that is `factor` times its base
    """

    name: str
    group: str
    kind: str
    sizes: Sizes | EmbedSizes
    threads: int
    peer: str | None = TORCH
    goal: Goal = Goal()
    detail: str = ""
    grows: str = ""
    factor: int = 1

    @property
    def flops(self) -> int | None:
        """Floating-point operations of the matrix products, None if they are not the main work."""
        if isinstance(self.sizes, EmbedSizes):
            return self.sizes.flops() if self.kind == "embed" else None
        lstm, softmax = self.sizes.lstm_flops(), self.sizes.softmax_flops()
        step = 2 * (lstm + softmax)
        return {"step": step, "regularised": step, "lstm": lstm, "softmax": softmax}.get(self.kind)

    @property
    def tokens(self) -> int | None:
        return self.sizes.tokens if self.kind in ("step", "regularised", "lstm", "softmax", "embed") else None

    @property
    def types(self) -> int | None:
        """Number of distinct words."""
        return self.sizes.types if isinstance(self.sizes, EmbedSizes) and self.kind == "embed" else None

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Work:
        """Rebuilt from dataclasses.asdict after a round trip through JSON."""
        sizes: Sizes | EmbedSizes
        if "sentences" in (said := fields["sizes"]):
            sizes = EmbedSizes(**{**said, "filters": tuple((w, n) for w, n in said["filters"])})
        else:
            sizes = Sizes(**said)
        return cls(**{**fields, "sizes": sizes, "goal": Goal(**fields["goal"])})


STEPS = {
    "tiny": Sizes(2000, 64, 64, 1, 16, 20),
    "article": Sizes(10000, 128, 128, 1, 32, 20),
    "zaremba-small": Sizes(10000, 200, 200, 2, 20, 20),
    "projected": Sizes(10000, 256, 512, 2, 32, 20, 128),
    "zaremba-medium": Sizes(10000, 650, 650, 2, 20, 35),
}
# With two threads; there is no goal for one.
STEP_GOALS = {
    "tiny": Goal(2.5),
    "article": Goal(2.2, memory=0.5),
    "zaremba-small": Goal(2.0, share=0.8),
    "projected": Goal(2.4),
    "zaremba-medium": Goal(1.5, share=0.8),
}
LSTM_GOAL, SOFTMAX_GOAL = Goal(1.3), Goal(1.8)
# Those of AWD-LSTM on Penn Treebank; its dropout is locked.
REGULARISERS = {"dropout": 0.3, "input_dropout": 0.4, "output_dropout": 0.4, "embedding_dropout": 0.1,
                "weight_drop": 0.5, "ar": 2.0, "tar": 1.0}
DECAY = 1.2e-6      # of the weights
REGULARISED = {"200": Sizes(10000, 200, 200, 2, 20, 35), "650": Sizes(10000, 650, 650, 2, 20, 35)}
REGULARISED_GOAL, COST_GOAL = Goal(1.8), Goal(1 / 1.15)
GROWTH_BASE = Sizes(5000, 128, 128, 1, 16, 20)
CORPUS_SIZES = Sizes(1000, 32, 32, 1, 32, 20)       # a small model, so that growth with the corpus shows
CORPUS_SENTENCES = 20000
FACTORS = (1, 2, 4)


def all_works(threads: int = 2, quick: bool = False) -> list[Work]:
    """Every work, in the order of the tables.

    threads   for a whole step; its parts are measured on one
    quick     with a shorter corpus
    """
    goals = STEP_GOALS if threads == 2 else {}
    works = [Work(name, "step", "step", sizes, threads, goal=goals.get(name, Goal())) for name, sizes in STEPS.items()]
    for name in "article", "zaremba-small":
        works.append(Work(f"lstm-{name}", "lstm", "lstm", replace(STEPS[name], V=0), 1, goal=LSTM_GOAL))
    for name in "article", "zaremba-small":
        works.append(Work(f"softmax-{name}", "softmax", "softmax", STEPS[name], 1, goal=SOFTMAX_GOAL))
    works += [Work(f"compiled-{name}", "compiled", "step", sizes, threads, COMPILED) for name, sizes in STEPS.items()]
    for name, sizes in REGULARISED.items():
        works.append(Work(f"regularised-{name}", "regularised", "regularised", sizes, threads, goal=REGULARISED_GOAL))
    for name, sizes in REGULARISED.items():
        works.append(Work(f"cost-{name}", "cost", "regularised", sizes, threads, PLAIN, COST_GOAL))
    for name in "tiny", "article":
        works.append(Work(f"reference-{name}", "reference", "step", STEPS[name], threads, REFERENCE))
    works.append(Work("reference-lstm-article", "reference", "lstm", replace(STEPS["article"], V=0), 1, REFERENCE))
    works += [Work(f"twin-{name}", "twins", "twin", STEPS["article"], 1, REFERENCE, detail=name) for name in TWINS]
    return works + _growth(threads, CORPUS_SENTENCES // 20 if quick else CORPUS_SENTENCES)


def _growth(threads: int, sentences: int) -> list[Work]:
    works = [Work("growth-base", "growth", "step", GROWTH_BASE, threads)]
    for dimension in "TBHV":
        for factor in FACTORS[1:]:
            sizes = replace(GROWTH_BASE, **{dimension: factor * getattr(GROWTH_BASE, dimension)})
            works.append(Work(f"growth-{dimension}-x{factor}", "growth", "step", sizes, threads, grows=dimension,
                              factor=factor))
    return works + [Work(f"growth-corpus-x{factor}", "growth", "corpus", CORPUS_SIZES, threads, None,
                         detail=str(factor * sentences), grows="corpus", factor=factor) for factor in FACTORS]


def chosen(works: Iterable[Work], only: Sequence[str], groups: Mapping[str, str] = GROUPS) -> list[Work]:
    """The works with these names or in these groups, all if none are named. Raises UserError for another name."""
    works = list(works)
    names = [*groups, *(work.name for work in works)]
    for name in only:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise UserError(f"--only {name}: no such work; "
                            + (f"did you mean {near[0]}?" if near else f"expected one of {', '.join(names)}"))
    return [work for work in works if not only or work.name in only or work.group in only]
