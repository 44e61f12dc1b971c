"""ElmoTransformer: an estimator like scikit-learn's own, whose rows are what ELMo gives."""

import pickle
import sys
import warnings

import joblib
import numpy as np
import pytest

from elmo_np import ELMo, backend
from elmo_np.errors import UserError
from tests.task_helpers import reviews, saved, tiny_elmo

pytest.importorskip("sklearn", reason="scikit-learn, the extra [sklearn], is not installed")

from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import SkipTestWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils import check_array, estimator_checks

from elmo_np.sklearn import ElmoTransformer

SENTENCES, LABELS = reviews(60)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a biLM of two layers."""
    return str(saved(tiny_elmo(layers=2), tmp_path_factory.mktemp("runs") / "run"))


# What a row is


@pytest.mark.parametrize("layer", [0, 1, 2, "top", "average", "mix", "all"])
@pytest.mark.parametrize("state", ["reset", "warm"])
@pytest.mark.parametrize(("pooling", "pool"), [("mean", np.mean), ("max", np.max)])
def test_a_row_is_the_pooled_vectors_of_the_words(run, layer, state, pooling, pool):
    found = ElmoTransformer(run, layer=layer, pooling=pooling, state=state).fit_transform(SENTENCES[:9])
    vectors = ELMo.load(run).stream(SENTENCES[:9], layer, state)
    np.testing.assert_array_equal(found, [pool(h, axis=-2).reshape(-1) for h in vectors])
    assert found.dtype == np.float32
    assert found.shape == (9, 48 if layer == "all" else 16)


def test_a_layer_may_be_a_whole_number_of_numpy(run):
    for layer in range(3):
        np.testing.assert_array_equal(ElmoTransformer(run, layer=np.int64(layer)).transform(SENTENCES[:3]),
                                      ElmoTransformer(run, layer=layer).transform(SENTENCES[:3]))


@pytest.mark.parametrize("layer", [0, "top", "all"])
@pytest.mark.parametrize("empty", ["", " ", []])
def test_the_row_of_a_sentence_without_words_is_zero_as_tf_idfs_is(run, layer, empty):
    transformer = ElmoTransformer(run, layer=layer)
    found = transformer.transform([empty, SENTENCES[0], empty, SENTENCES[1], empty])
    np.testing.assert_array_equal(found[[1, 3]], transformer.transform(SENTENCES[:2]))
    assert not found[[0, 2, 4]].any()
    alone = transformer.fit_transform([empty])
    assert (alone.shape, alone.dtype) == ((1, found.shape[1]), found.dtype)
    assert not alone.any()


def test_layer_0_has_its_own_width(tmp_path):
    narrow = saved(tiny_elmo(embedding_dim=5), tmp_path / "narrow")
    transformer = ElmoTransformer(narrow, layer=0)
    assert transformer.transform(SENTENCES[:4]).shape == (4, 10)
    assert len(transformer.get_feature_names_out()) == 10


def test_texts_are_split_as_the_models_corpus_was_unless_told_otherwise(run):
    texts = [" ".join(sentence) for sentence in SENTENCES[:5]]
    expected = ElmoTransformer(run).transform(SENTENCES[:5])
    for same in texts, tuple(texts), np.array(texts), np.array(texts, object), [np.array(s) for s in SENTENCES[:5]]:
        np.testing.assert_array_equal(ElmoTransformer(run).fit(same).transform(same), expected)
    np.testing.assert_array_equal(ElmoTransformer(run).fit_transform(text for text in texts), expected)
    joined = [text.replace(" .", ".") for text in texts]
    assert not np.array_equal(ElmoTransformer(run).transform(joined), expected)
    np.testing.assert_array_equal(ElmoTransformer(run, tokenize=True).transform(joined), expected)


def test_another_model_is_used_as_soon_as_it_is_set(run, tmp_path):
    other = saved(tiny_elmo(seed=5), tmp_path / "other")
    transformer = ElmoTransformer(run).fit(SENTENCES)
    transformer.set_params(model=other)
    np.testing.assert_array_equal(transformer.transform(SENTENCES[:2]), ElmoTransformer(other).transform(SENTENCES[:2]))


# An estimator among others


def test_a_classifier_on_it_learns_what_the_words_say(run):
    pipeline = make_pipeline(ElmoTransformer(run, pooling="max"), LogisticRegression(C=100, max_iter=2000))
    scores = cross_val_score(pipeline, SENTENCES, LABELS, cv=3)
    assert scores.mean() > 0.9


def test_two_processes_share_the_work(run):
    pipeline = make_pipeline(ElmoTransformer(run), LogisticRegression())
    one, two = (cross_val_score(pipeline, SENTENCES, LABELS, cv=3, n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_another_process_computes_with_what_an_elmo_has_learnt_since_it_was_loaded(run):
    transformer = ElmoTransformer(ELMo.load(run), layer="mix")
    transformer.model.mix.gamma.value[...] = 5
    found, = joblib.Parallel(n_jobs=2)([joblib.delayed(transformer.transform)(SENTENCES[:2])])
    np.testing.assert_array_equal(found, transformer.transform(SENTENCES[:2]))


class Lengths(TransformerMixin, BaseEstimator):
    """Vectors from elsewhere."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([[len(text), text.count(" ")] for text in X])

    def get_feature_names_out(self, input_features=None):
        return np.array(["letters", "spaces"], object)


def test_it_stands_beside_any_other_vectors(run):
    texts = [" ".join(sentence) for sentence in SENTENCES]
    elmo, tfidf, lengths = ElmoTransformer(run, layer=1), TfidfVectorizer(), Lengths()
    union = FeatureUnion([("elmo", elmo), ("tfidf", tfidf), ("lengths", lengths)])
    found = union.fit_transform(texts).toarray()
    names = list(union.get_feature_names_out())
    assert found.shape == (60, len(names))
    assert names[:2] == ["elmo__elmotransformer0", "elmo__elmotransformer1"]
    np.testing.assert_array_equal(found[:, :16], elmo.transform(texts))
    np.testing.assert_array_equal(found[:, -2:], lengths.transform(texts))
    np.testing.assert_array_equal(found[:, 16:-2], TfidfVectorizer().fit_transform(texts).toarray())


def test_a_search_tries_layers_and_poolings(run):
    pipeline = make_pipeline(ElmoTransformer(run), LogisticRegression(C=100, max_iter=2000))
    grid = {"elmotransformer__layer": [0, 2, "mix"], "elmotransformer__pooling": ["mean", "max"]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(SENTENCES, LABELS)
    assert len(search.cv_results_["params"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_parameters_come_and_go(run):
    transformer = ElmoTransformer(run, layer=1, pooling="max", state="warm", tokenize=True)
    assert transformer.get_params() == {"model": run, "layer": 1, "pooling": "max", "state": "warm", "tokenize": True}
    copy = clone(transformer.fit(SENTENCES))
    assert copy.get_params() == transformer.get_params()
    assert vars(copy).keys() == copy.get_params().keys()
    assert clone(copy.set_params(layer="top")).layer == "top"


@pytest.mark.parametrize("dump", [lambda x: pickle.loads(pickle.dumps(x)), None], ids=["pickle", "joblib"])
def test_a_pickle_holds_the_path_and_not_the_model(run, tmp_path, dump):
    transformer = ElmoTransformer(run).fit(SENTENCES)
    if dump:
        assert len(pickle.dumps(transformer)) < 1000
        again = dump(transformer)
    else:
        joblib.dump(transformer, tmp_path / "t.joblib")
        assert (tmp_path / "t.joblib").stat().st_size < 1000
        again = joblib.load(tmp_path / "t.joblib")
    np.testing.assert_array_equal(again.transform(SENTENCES), transformer.transform(SENTENCES))


def test_clones_share_an_elmo_and_its_pickle_holds_it_whole():
    elmo = tiny_elmo()
    transformer = ElmoTransformer(elmo)
    assert clone(transformer).model is elmo
    pipeline = make_pipeline(ElmoTransformer(elmo), LogisticRegression())
    assert clone(pipeline)[0].model is elmo
    again = pickle.loads(pickle.dumps(transformer))
    assert again.model is not elmo
    np.testing.assert_array_equal(again.transform(SENTENCES), transformer.transform(SENTENCES))


def test_a_path_without_its_model_is_one_line(run, tmp_path):
    moved = saved(tiny_elmo(), tmp_path / "here")
    data = pickle.dumps(ElmoTransformer(moved).fit(SENTENCES))
    moved.rename(tmp_path / "there")
    with pytest.raises(UserError, match=r"cannot read .*here"):
        pickle.loads(data).transform(SENTENCES)


# Mistakes


@pytest.mark.parametrize(("X", "message"), [
    ("the film", r"X is the text 'the film': expected sentences; for a single one give a list"),
    ([], "X has no sentence"), (np.array([], str), "X has no sentence"), (None, "X is of type NoneType"),
    (7, "X is of type int"), (np.zeros((3, 2)), r"X is a ndarray of shape \(3, 2\): expected a list or a column"),
    (np.array([["good film"]]), r"of shape \(1, 1\).*give one column"),
    (["good", None], "sentence 1 is None: expected a text"), (["good", float("nan")], "sentence 1 is nan"),
    ([["good", None]], "sentence 0 is .*: expected a text, or a list of string"), ([b"good"], "sentence 0 is b'good'"),
    ([3.5], "sentence 0 is 3.5"), ([b""], "sentence 0 is b''"), ([np.array("hello")], "sentence 0 is array"),
    ([[["a"], ["b", "c"]]], "sentence 0 is"), ([["a", ["b", "c"]]], "sentence 0 is"),
    ({"text": ["good"]}, "X is of type dict"), ({"good film"}, "X is of type set"),
    (frozenset(), "X is of type frozenset"),
    (b"good", "X is of type bytes"),
])
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_other_than_sentences_are_one_line(run, X, message, method):
    with pytest.raises(UserError, match=message) as raised:
        getattr(ElmoTransformer(run), method)(X)
    assert "\n" not in str(raised.value)


def test_a_sparse_matrix_is_one_line(run):
    sparse = pytest.importorskip("scipy.sparse")
    for matrix in sparse.csr_matrix(np.eye(3)), sparse.coo_array(np.eye(3)):
        with pytest.raises(UserError, match=r"X is a \w+ of shape \(3, 3\)"):
            ElmoTransformer(run).transform(matrix)


@pytest.mark.parametrize(("how", "message"), [
    ({"model": None}, "model = None: expected the folder of a run"), ({"model": 3}, "model = 3: expected"),
    ({"model": "none"}, "cannot read none"), ({"layer": "bottom"}, "layer 'bottom'"), ({"layer": 3}, "layer 3"),
    ({"pooling": "sum"}, "pooling 'sum': expected one of mean, max"), ({"state": "cold"}, "state 'cold'"),
    ({"tokenize": "no"}, "tokenize = 'no': expected True, False or None"),
    ({"state": "carry"}, "state 'carry': a vector would depend on the sentences before it"),
])
def test_parameters_that_cannot_be_served_show_when_it_is_fitted(run, how, message):
    with pytest.raises(UserError, match=message):
        ElmoTransformer(**{"model": run, **how}).fit(SENTENCES)


def test_what_is_missing_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "elmo_np.sklearn")
    with pytest.raises(ImportError, match=r"^elmo_np\.sklearn needs scikit-learn: pip install 'elmo_np\[sklearn\]'$"):
        __import__("elmo_np.sklearn")


# scikit-learn's own checks


def test_what_scikit_learn_checks_of_an_estimator_of_texts(run):
    """Of an estimator whose input is no matrix, check_estimator itself asks only whether it can be cloned."""
    with pytest.warns(SkipTestWarning, match="Can't test estimator ElmoTransformer which requires input"):
        assert len(estimator_checks.check_estimator(ElmoTransformer(run))) == 1
    for name in ("tags_renamed", "repr", "cloneable"):
        getattr(estimator_checks, f"check_estimator_{name}")("ElmoTransformer", ElmoTransformer(run))


class OfNumbers(ElmoTransformer):
    """The transformer behind matrices, which are all that scikit-learn's checks make: each number becomes a word."""

    def _split(self, elmo, X):
        X = check_array(X)
        words = elmo.vocabulary.words
        return super()._split(elmo, [[words[int(abs(v) * 7) % len(words)] for v in row] for row in X])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = tags.input_tags.string = False
        return tags


# What does not apply, and why.
NOT_OF_TEXTS = {
    "check_n_features_in": "texts have no columns, so there is no n_features_in_",
    "check_n_features_in_after_fitting": "likewise",
}


def test_scikit_learns_checks_of_transformers_of_matrices_pass_where_numbers_become_words(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = estimator_checks.check_estimator(OfNumbers(run), on_fail=None, on_skip=None,
                                                   expected_failed_checks=NOT_OF_TEXTS)
    status = {}
    for result in results:
        status.setdefault(result["status"], []).append(result["check_name"])
    failed = {result["check_name"]: repr(result["exception"]) for result in results if result["status"] == "failed"}
    # A row alone is that row among others bit for bit with the kernels; without them a BLAS rounds by the shape.
    batches = {"check_methods_sample_order_invariance", "check_methods_subset_invariance"}
    assert failed.keys() <= (batches if backend.backend() == "numpy" else set()), failed
    assert set(status["xfail"]) == set(NOT_OF_TEXTS)
    assert len(status["passed"]) >= 30      # some are left out of older scikit-learns


def test_mostly_unknown_words_give_a_warning(run):
    known, strange = SENTENCES[:2], [["ANNA", "zymurgy", "film"]]
    with pytest.warns(UserWarning, match=r"^warning: 2 of 3 words \(66\.7%\) are unknown to the model"):
        ElmoTransformer(run).fit_transform(strange)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ElmoTransformer(run).fit_transform([*known, ["zymurgy", *known[0]]])
