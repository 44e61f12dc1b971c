"""The word cache: words are computed once, and kept in a file for one model alone."""

import numpy as np
import pytest

from elmo_np.config.schema import Settings
from elmo_np.errors import UserError
from elmo_np.inference.elmo import save_model
from elmo_np.inference.embed_file import embed_file
from elmo_np.inference.word_cache import WordCache
from elmo_np.io import safetensors_file
from tests.embedding_helpers import SENTENCES, alone, arrays, of_characters, of_words

TEXT = SENTENCES[:20]


def run(elmo, out, **how):
    return embed_file(elmo, TEXT, out, quiet=True, **how)


def test_a_cache_spares_the_characters_and_changes_nothing(tmp_path, monkeypatch):
    run(of_characters(), tmp_path / "without.npz")
    run(of_characters(), tmp_path / "first.npz", cache=tmp_path / "words")
    asked, lookup = [], of_characters().model.lookup.__func__
    monkeypatch.setattr("elmo_np.nn.bilm.BiLM.lookup", lambda self, k: asked.append(len(k)) or lookup(self, k))
    run(of_characters(), tmp_path / "second.npz", cache=tmp_path / "words")
    assert asked == [2]         # the marks
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    for one, other in zip(arrays(tmp_path / "without.npz").values(), arrays(tmp_path / "first.npz").values(),
                          strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6)


@pytest.mark.parametrize("share", [True, False])
def test_a_cache_grows_with_other_texts_up_to_its_size_and_keeps_what_it_has(tmp_path, share, monkeypatch):
    def cache(text):
        embed_file(of_characters(share_embedding=share), text, tmp_path / f"{len(text)}.npz", quiet=True,
                              cache=tmp_path / "words")
        return WordCache.load(tmp_path / "words", of_characters(share_embedding=share).model)
    first = cache(TEXT[:3])
    assert set(first.numbers) == {word for sentence in TEXT[:3] for word in sentence}
    size = len(first.forward) + 4
    monkeypatch.setattr(WordCache, "MOST", 6 * size)
    second = cache(TEXT[:15])
    assert len(second.forward) == len(second.backward) == len(second.numbers) + 2 == size
    np.testing.assert_array_equal(second.forward[:size - 4], first.forward)
    np.testing.assert_array_equal(second.backward[:size - 4], first.backward)
    assert (second.forward is second.backward) == share
    assert list(second.numbers)[:size - 6] == list(first.numbers)


def test_a_cache_of_another_model_or_another_file_is_refused(tmp_path):
    run(of_characters(), tmp_path / "x.npz", cache=tmp_path / "words")
    with pytest.raises(UserError, match="words holds the word vectors of another model or another version"):
        run(of_characters(residual=False), tmp_path / "y.npz", cache=tmp_path / "words")
    save_model(tmp_path / "model", of_characters(), Settings())
    with pytest.raises(UserError, match="model holds no word vectors: expected a cache that embedding wrote"):
        run(of_characters(), tmp_path / "y.npz", cache=tmp_path / "model")
    (tmp_path / "words").write_bytes((tmp_path / "words").read_bytes()[:-1])
    with pytest.raises(UserError, match="words is damaged"):
        run(of_characters(), tmp_path / "y.npz", cache=tmp_path / "words")
    with pytest.raises(UserError, match="looks words up by id"):
        run(of_words(), tmp_path / "y.npz", cache=tmp_path / "none")


@pytest.mark.parametrize("changes", [
    {"words": b"[1, 2]"}, {"words": b"[" * 100_000}, {"words": b"\xff"}, {"words": b'{"a": 1}'}, {"words": b'"ab"'},
    {"words": b'["a", "a"]'}, {"words": b'["a"]'}, {"forward": None}, {"forward": np.zeros(3, np.float32)},
    {"forward": np.zeros((4, 6))}, {"forward": np.zeros((4, 5), np.float32)},
    {"forward": np.full((4, 6), np.nan, np.float32)}, {"backward": np.zeros((3, 6), np.float32)},
])
def test_a_cache_with_other_contents_than_a_cache_has_is_refused(tmp_path, changes):
    model, path = of_characters().model, tmp_path / "words"
    cache = WordCache(model)
    cache.add(["one", "two"])
    cache.save(path)
    assert list(WordCache.load(path, model).numbers) == ["one", "two"]
    tensors, metadata = safetensors_file.load(path)
    new = {key: np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value for key, value in changes.items()}
    tensors = {key: value for key, value in {**tensors, **new}.items() if value is not None}
    safetensors_file.save(path, tensors, metadata)
    with pytest.raises(UserError, match="words is not a cache that embedding wrote: expected a list of words and a"):
        WordCache.load(path, model)


def test_words_that_are_no_unicode_are_cached_too(tmp_path):
    text = [["\udcff", "a\nb", "<S>", "Ångström"]]
    for out in "one", "two":
        embed_file(of_characters(), text, tmp_path / f"{out}.npz", quiet=True, cache=tmp_path / "words")
    assert list(WordCache.load(tmp_path / "words", of_characters().model).numbers) == text[0]
    np.testing.assert_allclose(arrays(tmp_path / "two.npz")["0"], of_characters().embed(text)[0], rtol=0, atol=2e-6)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_words_of_one_direction_are_kept_once_and_change_nothing(tmp_path, direction):
    elmo = alone(of_characters(share_embedding=False), direction)
    run(elmo, tmp_path / "plain.npz")
    plain = arrays(tmp_path / "plain.npz")
    for name in "new", "filled":
        run(elmo, tmp_path / f"{name}.npz", cache=tmp_path / "words")
        found = arrays(tmp_path / f"{name}.npz")
        assert all(np.array_equal(found[key], plain[key]) for key in plain)
    cache = WordCache.load(tmp_path / "words", elmo.model)
    assert cache.forward is cache.backward
    assert set(safetensors_file.load(tmp_path / "words")[0]) == {"words", "forward"}


def test_a_cache_counts_the_words_that_are_new_and_a_file_without_words_is_refused(tmp_path):
    model, path = of_characters().model, tmp_path / "words"
    cache = WordCache(model)
    assert [cache.add(["one", "two", "one"]), cache.add(["two"]), cache.add(["two", "three"])] == [2, 0, 1]
    cache.save(path)
    tensors, metadata = safetensors_file.load(path)
    del tensors["words"]
    safetensors_file.save(path, tensors, metadata)
    with pytest.raises(UserError, match="words holds no word vectors: expected a cache that embedding wrote"):
        WordCache.load(path, model)
