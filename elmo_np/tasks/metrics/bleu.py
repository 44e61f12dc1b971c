"""BLEU (Papineni et al. 2002) as sacrebleu counts it: the extra [bleu]."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import zip_longest


def available() -> bool:
    return find_spec("sacrebleu") is not None


def bleu(references: Sequence[Sequence[Sequence[str]]], predicted: Sequence[Sequence[str]]) -> float:
    """BLEU from 0 to 1 of one translation per sentence, with one or more references for each.

    The words count as they are split here; sacrebleu does not tokenize. Raises ImportError without sacrebleu.
    """
    from sacrebleu.metrics.bleu import BLEU

    texts = [[" ".join(words) for words in own] for own in references]
    streams = [list(stream) for stream in zip_longest(*texts)]      # all first references, all second ones or None, ..
    found = BLEU(tokenize="none", force=True).corpus_score([" ".join(words) for words in predicted], streams)
    return float(found.score) / 100
