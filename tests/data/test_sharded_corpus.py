"""A corpus of shards: what is done with one does not depend on the others."""

import gzip
import lzma
from itertools import chain

import pytest

from elmo_np.data.corpus import corpus_sha256, held_out, open_corpus
from elmo_np.data.sharded_corpus import ShardedCorpus, sha256_of_shards
from elmo_np.errors import UserError

TEXT = [[f"w{k}", "."] for k in range(90)]
LENGTHS = (40, 0, 3, 30, 17)


def shards(sentences=TEXT, lengths=LENGTHS):
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    return ShardedCorpus("text", [sentences[a:a + n] for a, n in zip(starts, lengths, strict=True)], lengths)


def test_shards_are_read_in_an_order_that_the_seed_draws():
    corpus = shards()
    assert list(corpus) == list(corpus) == TEXT
    orders = [corpus.shuffled((0, 7, epoch)).sizes for epoch in range(1, 9)]
    assert all(sorted(order) == sorted(LENGTHS) for order in orders)
    assert len(set(orders)) > 4
    for epoch, order in enumerate(orders, 1):
        again = corpus.shuffled((0, 7, epoch))
        assert again.sizes == order == tuple(map(len, again.shards))
        assert list(again) == list(chain.from_iterable(again.shards))


def test_one_shard_is_open_at_a_time():
    class Unopened:
        def __iter__(self):
            raise AssertionError("it was opened")

    sentences = iter(ShardedCorpus("text", [[], [["a"], ["b"]], Unopened()], (0, 2, 1)))
    assert [next(sentences), next(sentences)] == [["a"], ["b"]]
    with pytest.raises(AssertionError):
        next(sentences)


def test_sentences_are_held_out_of_each_shard_in_any_order():
    train, valid = held_out(shards(), 10)
    assert (train.name, valid.name) == ("text:train", "text:valid")
    # Shard k, from 0, begins to count at k + 1: the 10th of the first, then the 7th of the fourth.
    assert [sentence[0] for sentence in valid] == ["w9", "w19", "w29", "w39", "w49", "w59", "w69", "w78", "w88"]
    assert sorted([*train, *valid]) == sorted(TEXT)
    assert sorted(train.shuffled((1, 2))) == sorted(train)
    alone = [held_out(ShardedCorpus("one", [shard], (1,)), 10)[0] for shard in shards().shards[:1]]
    assert list(alone[0]) == list(train.shards[0]) == list(held_out(TEXT[:40], 10)[0])


def test_of_short_shards_some_hold_out_a_sentence():
    train, valid = held_out(shards(TEXT, (1,) * 90), 20)
    assert [sentence[0] for sentence in valid] == ["w19", "w39", "w59", "w79"]
    assert len(list(train)) == 86


def test_the_fingerprint_knows_the_shards_and_their_order():
    whole = corpus_sha256(shards())
    assert whole == sha256_of_shards(map(corpus_sha256, shards().shards))
    others = [shards(lengths=(41, 0, 2, 30, 17)), shards(lengths=(40, 3, 0, 30, 17)), shards(TEXT[::-1])]
    assert len({whole, corpus_sha256(TEXT), *map(corpus_sha256, others)}) == 5


def test_the_files_of_a_corpus_are_its_shards(tmp_path):
    (tmp_path / "a.txt").write_text("a b\n\nc\n")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"d\n"))
    (tmp_path / "c.txt.xz").write_bytes(lzma.compress(b""))
    corpus = open_corpus(str(tmp_path), shards=True)
    assert [list(shard) for shard in corpus.shards] == [[["a", "b"], ["c"]], [["d"]], []]
    assert corpus.sizes == tuple(path.stat().st_size for path in sorted(tmp_path.iterdir()))
    assert list(corpus) == list(open_corpus(str(tmp_path)))
    with pytest.raises(UserError, match=r"^shards = true with the built-in corpus grammar: expected files: set shards"):
        open_corpus("grammar", shards=True)
