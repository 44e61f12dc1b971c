"""A corpus of many files, its shards, each of which is read by itself.

Nothing that is done with one shard depends on the others: sentences to validate on are held out of each, each has its
own fingerprint, and every epoch of a training reads them in another order. So several processes can share a pass.
What grows with the corpus is the list of its files, which is in memory: some 800 bytes per file with a name of 40
characters, 8 MB for 10,000 files, whatever they hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np


@dataclass(frozen=True)
class ShardedCorpus:
    """The sentences of all shards, one shard after the other; only the one that is being read is open.

    name    in messages
    shards  can each be read again
    sizes   of their files, in bytes
    """

    name: str
    shards: Sequence[Iterable[Sequence[str]]]
    sizes: tuple[int, ...]

    def __iter__(self) -> Iterator[Sequence[str]]:
        return chain.from_iterable(self.shards)

    def shuffled(self, seed: Sequence[int]) -> ShardedCorpus:
        """The same shards in an order that is drawn from the seed."""
        order = np.random.default_rng(seed).permutation(len(self.shards)).tolist()
        return replace(self, shards=[self.shards[k] for k in order], sizes=tuple(self.sizes[k] for k in order))


def sha256_of_shards(digests: Iterable[str]) -> str:
    """The fingerprint of a sharded corpus, from those of its shards in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
