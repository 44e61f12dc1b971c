"""Whether two methods differ: approximate randomisation.

It needs what a score is computed from, item by item. For a sentence these are counts, such as the entities that are
correct, predicted and there: their sums over all sentences give the score, and sentences can be swapped.

Sources: Noreen 1989, Computer-Intensive Methods for Testing Hypotheses; Yeh 2000 for F1 and similar scores.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ...types import Array

AT_ONCE = 256       # trials per matrix product, which bounds memory


def approximate_randomisation(first: Sequence[Array], second: Sequence[Array], score: Callable[[Array], Array],
                              trials: int = 9999, seed: int = 0) -> float:
    """The p-value of the difference between two methods: how often it would be as large if they were equally good.

    In each trial a coin decides for each sentence whether the two methods' results are swapped.

    first, second   per test set, such as a fold, the counts (S, N, K) of S models on N sentences, K counts each
    score           from sums of counts (.., K) to scores (..); what is compared is its mean over models and test sets
    Returns         p, two-sided, at least 1 / (trials + 1); all models' results for a sentence are swapped together
    """
    rng = np.random.default_rng(seed)
    gains = [np.asarray(b, float) - np.asarray(a, float) for a, b in zip(first, second, strict=True)]
    sums = [(np.sum(a, axis=1), np.sum(b, axis=1)) for a, b in zip(first, second, strict=True)]

    def difference(moved: Sequence[Array]) -> Array:
        """The mean difference where `moved` (.., S, K) goes from each second method to the first."""
        found = [score(b - own) - score(a + own) for (a, b), own in zip(sums, moved, strict=True)]
        return np.asarray(np.mean([one.mean(axis=-1) for one in found], axis=0))

    actual = abs(difference([np.zeros_like(a) for a, _ in sums]))
    as_large = 0
    for start in range(0, trials, AT_ONCE):
        count = min(AT_ONCE, trials - start)
        swapped = [rng.integers(0, 2, (count, gain.shape[1])).astype(float) for gain in gains]
        moved = [np.einsum("cn,snk->csk", own, gain, optimize=True) for own, gain in zip(swapped, gains, strict=True)]
        as_large += int(np.sum(abs(difference(moved)) >= actual - 1e-12))
    return (as_large + 1) / (trials + 1)
