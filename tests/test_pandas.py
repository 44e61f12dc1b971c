"""Columns of sentences to columns of vectors: in pandas frames, with Dask, and with Spark where ELMO_NP_SPARK is set,
because it takes long to start."""

import os
import shutil
import sys
import warnings
from functools import partial

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.errors import UserError
from tests.task_helpers import WORDS, same_vectors, saved, tiny_elmo

pd = pytest.importorskip("pandas", reason="pandas, part of the extras [dask] and [spark], is not installed")

from elmo_np.pandas import ROWS, embed_frame, embed_frames  # noqa: E402  (needs pandas)

TEXTS = ["tom saw anna .", "", None, "anna met tom in paris .", "good film .", float("nan"), " "]
SENTENCES = [text.split() for text in TEXTS if isinstance(text, str) and text.strip()]
POSITIONS = [0, 3, 4]           # of SENTENCES in TEXTS
MISSING = [2, 5]
spark_needed = pytest.mark.skipif(not os.environ.get("ELMO_NP_SPARK") or not shutil.which("java"),
                                  reason="ELMO_NP_SPARK is not set, or there is no Java")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return str(saved(tiny_elmo(layers=2), tmp_path_factory.mktemp("runs") / "run"))


@pytest.fixture
def frame():
    """Rows whose labels are not their positions, and are not unique."""
    return pd.DataFrame({"id": range(len(TEXTS)), "text": pd.Series(TEXTS, dtype=object)}).set_index(
        np.array([7, 7, 3, 2, 1, 0, 9]))


def many(N):
    rng = np.random.default_rng(0)
    return [list(map(str, rng.choice(WORDS, rng.integers(1, 9)))) for _ in range(N)]


@pytest.mark.parametrize("layer", ["average", "mix", 0])
@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("state", ["reset", "warm"])
def test_a_row_has_the_vector_of_its_sentence(run, frame, layer, pooling, state):
    found = embed_frame(frame, run, "text", layer=layer, pooling=pooling, state=state)
    pd.testing.assert_frame_equal(found[["id", "text"]], frame)
    expected = ELMo.load(run).sentence_vectors(SENTENCES, layer, state, pooling)
    for position, vector in zip(POSITIONS, expected, strict=True):
        same_vectors(found["vector"].iloc[position], vector)
        assert found["vector"].iloc[position].dtype == np.float32


@pytest.mark.parametrize("state", ["reset", "warm"])
def test_without_pooling_every_word_has_a_vector(run, frame, state):
    found = embed_frame(frame, run, "text", layer="top", pooling=None, state=state)["vector"]
    for position, vectors in zip(POSITIONS, ELMo.load(run).vectors(SENTENCES, "top", state), strict=True):
        assert isinstance(found.iloc[position], list)
        same_vectors(np.stack(found.iloc[position]), vectors)


def test_all_layers_are_side_by_side(run, frame):
    elmo = ELMo.load(run)
    pooled = embed_frame(frame, run, "text", layer="all")["vector"]
    words = embed_frame(frame, run, "text", layer="all", pooling=None)["vector"]
    for position, layers in zip(POSITIONS, elmo.embed(SENTENCES), strict=True):
        same_vectors(pooled.iloc[position], layers.mean(axis=-2).reshape(-1))
        same_vectors(np.stack(words.iloc[position]), np.concatenate(list(layers), axis=-1))
    assert pooled.iloc[1].shape == pooled.iloc[0].shape


@pytest.mark.parametrize(("pooling", "empty"), [("mean", [0.0] * 16), (None, [])])
def test_a_missing_sentence_has_no_vector_and_an_empty_one_zeros_or_no_words(run, frame, pooling, empty):
    found = embed_frame(frame, run, "text", pooling=pooling)["vector"]
    assert [k for k, value in enumerate(found) if value is None] == MISSING
    assert list(found.iloc[1]) == list(found.iloc[6]) == empty


def test_lists_of_words_are_sentences_too(run):
    frame = pd.DataFrame({"words": [SENTENCES[0], np.array(SENTENCES[1], object), tuple(SENTENCES[2]), None, []]})
    found = embed_frame(frame, run, "words", out="h")["h"]
    for k, vector in enumerate(ELMo.load(run).sentence_vectors(SENTENCES)):
        same_vectors(found[k], vector)
    assert found[3] is None
    assert not found[4].any()


def test_a_frame_without_rows_keeps_its_columns(run, frame):
    found = embed_frame(frame.iloc[:0], run, "text")
    assert (list(found.columns), len(found)) == (["id", "text", "vector"], 0)


def test_frames_come_in_parts_before_the_next_frame_is_read(run):
    """So what is held does not grow with the frames, nor with the rows of one."""
    sentences = many(2 * ROWS + 5)
    text = [" ".join(words) for words in sentences]
    read = []

    def frames():
        for k in range(3):
            read.append(k)
            yield pd.DataFrame({"text": text[:2 * ROWS + 5 if k == 0 else 1]})
    found = []
    for part in embed_frames(frames(), run, "text"):
        found.append((len(part), len(read)))
        if len(found) == 1:
            for vector, expected in zip(part["vector"], ELMo.load(run).sentence_vectors(sentences[:ROWS]), strict=True):
                same_vectors(vector, expected)
    assert found == [(ROWS, 1), (ROWS, 1), (5, 1), (1, 2), (1, 3)]


def test_a_process_reads_a_model_once_until_it_is_replaced(tmp_path, frame, monkeypatch):
    path = saved(tiny_elmo(), tmp_path / "run")
    loaded, load = [], ELMo.load
    monkeypatch.setattr(ELMo, "load", staticmethod(lambda path: loaded.append(path) or load(path)))
    before = embed_frame(frame, path, "text")["vector"].iloc[0]
    for _ in embed_frames([frame, frame], str(path), "text"):
        pass
    assert loaded == [str(path)]
    other = saved(tiny_elmo(seed=5), tmp_path / "other")
    os.utime(other / "model.safetensors", ns=(1, 1))
    os.replace(other / "model.safetensors", path / "model.safetensors")
    assert not np.array_equal(embed_frame(frame, path, "text")["vector"].iloc[0], before)
    assert len(loaded) == 2


def test_mostly_unknown_words_give_one_warning(run):
    strange = pd.DataFrame({"text": ["zymurgy"] * (ROWS + 1)})
    with pytest.warns(UserWarning, match=r"^warning: 256 of 256 words \(100\.0%\) are unknown") as seen:
        assert len(embed_frame(strange, run, "text")) == ROWS + 1
    assert len(seen) == 1


@pytest.mark.parametrize(("how", "message"), [
    ({"column": "txt"}, "the frame has 0 columns 'txt': expected one; its columns are 'id', 'text'"),
    ({"out": "id"}, "the frame already has a column 'id': give the vectors another name"),
    ({"out": 3}, "out = 3: expected the name of the new column"),
    ({"column": "id"}, "row 7 of column 'id' is 0, of type int, expected a list of words"),
    ({"layer": 3}, "layer 3: expected"), ({"pooling": "sum"}, "pooling 'sum': expected one of mean, max"),
    ({"state": "carry"}, "state 'carry': a vector would depend on the rows before it"),
    ({"state": "cold"}, "state 'cold': expected"), ({"model": "none"}, "cannot read none"),
    ({"model": None}, "model = None: expected the path of a run's directory"),
])
def test_what_cannot_be_embedded_is_one_line(run, frame, how, message):
    with pytest.raises(UserError, match=message) as raised:
        embed_frame(frame, **{"model": run, "column": "text", **how})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("frames", [lambda frame: frame, lambda frame: [frame["text"]]])
def test_what_is_not_a_frame_is_one_line(run, frame, frames):
    with pytest.raises(UserError, match=r"a frame is of type (str|Series): expected pandas DataFrames"):
        list(embed_frames(frames(frame), run, "text"))


def test_two_columns_of_one_name_are_one_line(run, frame):
    twice = pd.concat([frame, frame["text"]], axis=1)
    with pytest.raises(UserError, match=r"the frame has 2 columns 'text': expected one"):
        embed_frame(twice, run, "text")


def test_what_is_missing_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "elmo_np.pandas")
    with pytest.raises(ImportError, match=r"^elmo_np\.pandas needs pandas: pip install 'elmo_np\[dask\]' or"):
        __import__("elmo_np.pandas")


def test_dask_gives_the_same_vectors_from_its_threads(run, tmp_path):
    pytest.importorskip("dask", reason="Dask, the extra [dask], is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow, part of the extra [dask], is not installed")
    sentences = many(40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")         # Dask's own, of calls that newer pandas deprecates
        import dask.dataframe as dd
        texts = dd.from_pandas(pd.DataFrame({"text": [" ".join(words) for words in sentences]}), npartitions=5)
        vectors = texts.map_partitions(embed_frame, run, "text", layer="top")
        assert list(vectors.columns) == ["text", "vector"]
        found = vectors.compute(scheduler="threads", num_workers=4)["vector"]
        vectors.to_parquet(tmp_path / "vectors", schema=None)
        again = pd.read_parquet(tmp_path / "vectors")["vector"]
    for k, expected in enumerate(ELMo.load(run).sentence_vectors(sentences, "top")):
        same_vectors(found[k], expected)
        same_vectors(again[k], expected)


@spark_needed
@pytest.mark.filterwarnings("ignore")           # PySpark leaves sockets open
def test_spark_gives_the_same_vectors(run):
    sql = pytest.importorskip("pyspark.sql", reason="PySpark, the extra [spark], is not installed")
    sentences = {k: words for k, words in enumerate(many(3 * ROWS)) if k % 50}
    rows = [(k, " ".join(sentences[k]) if k in sentences else None) for k in range(3 * ROWS)]
    spark = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    texts = spark.createDataFrame(rows, "id long, text string").repartition(3)
    elmo = ELMo.load(run)
    for pooling, kind in ("mean", "array<float>"), (None, "array<array<float>>"):
        embed = partial(embed_frames, model=run, column="text", layer="top", pooling=pooling)
        found = texts.mapInPandas(embed, schema=f"id long, text string, vector {kind}").collect()
        vectors = elmo.vectors(sentences.values()) if pooling is None else elmo.sentence_vectors(
            sentences.values(), "top")
        expected = dict(zip(sentences, vectors, strict=True))
        assert sorted(row["id"] for row in found) == list(range(3 * ROWS))
        for row in found:
            if row["id"] in expected:
                same_vectors(np.array(row["vector"], np.float32), expected[row["id"]])
            else:
                assert row["vector"] is None
    spark.stop()
