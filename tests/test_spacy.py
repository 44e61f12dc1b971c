"""spaCy's component "elmo_np": each token has the vector that ELMo gives it in its sentence."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.errors import UserError
from tests.task_helpers import same_vectors, saved, tiny_elmo

spacy = pytest.importorskip("spacy", reason="spaCy, the extra [spacy], is not installed")

from elmo_np.spacy import ElmoComponent  # noqa: E402  (needs spaCy)

TEXT = "tom saw anna . anna met tom in paris ."


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return str(saved(tiny_elmo(layers=2), tmp_path_factory.mktemp("runs") / "run"))


def pipeline(run, *before, **config):
    nlp = spacy.blank("en")
    for name in before:
        nlp.add_pipe(name)
    nlp.add_pipe("elmo_np", config={"model": run, **config})
    return nlp


@pytest.mark.parametrize("layer", ["top", "average", "mix", 0, 1, 2])
def test_a_token_has_its_vector_in_the_text(run, layer):
    doc = pipeline(run, layer=layer)(TEXT)
    expected, = ELMo.load(run).vectors([TEXT.split()], layer)
    np.testing.assert_array_equal(doc.tensor, expected)
    for token, vector in zip(doc, expected, strict=True):
        np.testing.assert_array_equal(token.vector, vector)
        assert token.has_vector
    np.testing.assert_allclose(doc.vector, expected.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(doc[1:3].vector, expected[1:3].mean(axis=0), rtol=1e-6)


def test_a_text_and_a_word_of_another_are_as_similar_as_their_vectors(run):
    nlp = pipeline(run)
    one, word = nlp("tom"), nlp(TEXT)[0]
    assert one.similarity(word) == word.similarity(one)
    cosine = one.vector @ word.vector / np.linalg.norm(one.vector) / np.linalg.norm(word.vector)
    assert one.similarity(word) == pytest.approx(cosine, rel=1e-5)


def test_where_sentences_are_known_each_is_read_alone(run):
    doc = pipeline(run, "sentencizer")(TEXT)
    assert len(list(doc.sents)) == 2
    one, two = ELMo.load(run).vectors([sent.text.split() for sent in doc.sents])
    np.testing.assert_array_equal(doc.tensor, np.concatenate([one, two]))
    assert not np.array_equal(doc.tensor, pipeline(run)(TEXT).tensor)


def test_space_is_not_read_and_has_a_zero_vector(run):
    doc = pipeline(run)("tom  saw \n anna")
    space = [token.is_space for token in doc]
    assert sum(space) == 2
    expected, = ELMo.load(run).vectors([["tom", "saw", "anna"]])
    np.testing.assert_array_equal(doc.tensor[np.logical_not(space)], expected)
    assert not doc.tensor[space].any()


def test_a_text_without_a_word_passes_through(run):
    nlp = pipeline(run)
    for text, tokens in ("", 0), (" \n ", 1):
        assert nlp(text).tensor.shape == (tokens, 16)


def test_many_texts_give_the_same_as_each_alone(run):
    nlp, texts = pipeline(run), [TEXT, "", "tom saw paris", "good film ."] * 3
    for text, doc in zip(texts, nlp.pipe(texts, batch_size=5), strict=True):
        assert doc.text == text
        same_vectors(doc.tensor, nlp(text).tensor)


def test_a_pipeline_comes_back_from_its_folder(run, tmp_path):
    nlp = pipeline(run, layer=1)
    nlp.to_disk(tmp_path / "nlp")
    np.testing.assert_array_equal(spacy.load(tmp_path / "nlp")(TEXT).tensor, nlp(TEXT).tensor)


def test_own_vectors_of_a_pipeline_do_not_stand_before_elmos(run):
    nlp = pipeline(run)
    nlp.vocab.set_vector("tom", np.ones(3, np.float32))
    assert nlp(TEXT)[0].vector.shape == (16,)


def test_a_word_is_as_similar_to_itself_elsewhere_as_its_vectors_are(run):
    doc = pipeline(run)("anna saw tom . tom met anna")
    for one, other in (doc[2], doc[4]), (doc[0:1], doc[6:7]), (doc[0], doc[4:6]):
        cosine = one.vector @ other.vector / np.linalg.norm(one.vector) / np.linalg.norm(other.vector)
        assert one.similarity(other) == pytest.approx(cosine, abs=1e-6)
        assert cosine < 0.999
    space = pipeline(run)("tom  saw")
    assert space[0].similarity(space[1]) == 0


def test_a_mistake_is_one_line_when_the_pipeline_is_made(run):
    with pytest.raises(UserError, match="cannot read none"):
        pipeline("none")
    with pytest.raises(UserError, match="layer 9: expected"):
        pipeline(run, layer=9)


def test_the_package_names_the_component_for_spacy_to_find():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    module, name = re.search(r'spacy_factories\]\nelmo_np = "([\w.]+):(\w+)"', text).groups()
    assert getattr(sys.modules[module], name) is ElmoComponent


def test_the_component_is_short():
    source = Path(sys.modules[ElmoComponent.__module__].__file__).read_text(encoding="utf-8")
    assert len([line for line in source.splitlines() if line]) <= 50


def test_what_is_missing_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy.language", None)
    monkeypatch.delitem(sys.modules, "elmo_np.spacy")
    with pytest.raises(ImportError, match=r"^elmo_np\.spacy needs spaCy: pip install 'elmo_np\[spacy\]'$"):
        __import__("elmo_np.spacy")


def test_mostly_unknown_words_give_one_warning(run):
    texts = ["TOM saw ANNA . anna met TOM PARIS ."] * 2
    with pytest.warns(UserWarning, match=r"^warning: 4 of 9 words \(44\.4%\) are unknown to the model") as caught:
        list(pipeline(run).pipe(texts, batch_size=1))
    assert len([own for own in caught if "unknown" in str(own.message)]) == 1
