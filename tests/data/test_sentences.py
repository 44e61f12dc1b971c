"""sentences: a list of strings is a sentence, and nothing else; whatever is refused is named with its number."""

import numpy as np
import pytest

from elmo_np import ELMo, Vocabulary, evaluate
from elmo_np.config.schema import BiLMConfig
from elmo_np.data.sentences import checked_sentences, checked_words
from elmo_np.errors import UserError
from elmo_np.inference.embed_file import embed_file
from elmo_np.inference.evaluate import score
from elmo_np.inference.static_vectors import mean_vectors
from elmo_np.nn.bilm import BiLM
from elmo_np.tasks.models.classifier import SentenceClassifier
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.tagger import Tagger
from elmo_np.tasks.models.translator import Translator
from elmo_np.training.trainer import train
from elmo_np.viz.explore import explore
from tests.training_helpers import tiny

TEXT = [["a", "b"], ["b", "a"]]
WORDS = Vocabulary.build(TEXT)


class Token:
    """As spaCy's: its text is an attribute."""

    text = "bank"

    def __repr__(self):
        return self.text


@pytest.mark.parametrize("sentence", [["a", "b"], ("a",), [], np.array(["a", "b"]), np.array(["a"], object),
                                      [np.str_("a")]], ids=repr)
def test_sequences_of_strings_are_sentences(sentence):
    assert checked_words(sentence) is sentence
    assert next(checked_sentences([sentence])) is sentence


@pytest.mark.parametrize(("sentence", "message"), [
    ("the bank", r"is the string 'the bank', expected a list of words: split it first"),
    (b"the", r"is b'the', of type bytes, expected a list of words: "),
    (None, r"is None, of type NoneType, expected a list of words: leave it out, or give a list"),
    (7, r"is 7, of type int, "),
    ((word for word in "ab"), r"is <generator .* of type generator, expected a list of words"),
], ids=["string", "bytes", "None", "int", "generator"])
def test_anything_else_is_refused_with_its_number(sentence, message):
    with pytest.raises(UserError, match=f"^the sentence {message}"):
        checked_words(sentence)
    with pytest.raises(UserError, match=f"^sentence 2 {message}"):
        list(checked_sentences([["a"], ["b", "c"], sentence]))


@pytest.mark.parametrize(("word", "message"), [
    (None, "None, of type NoneType, expected a string: leave it out, or write it as text"),
    (b"b", "b'b', of type bytes, expected a string: decode it first"),
    (Token(), r"bank, of type Token, expected a string: give its text, as in \[token.text for token in sentence\]"),
    (7, "7, of type int, expected a string"),
    (float("nan"), "nan, of type float, expected a string"),
    (["b"], r"\['b'\], of type list, expected a string"),
], ids=["None", "bytes", "token", "int", "nan", "list"])
def test_a_word_that_is_not_a_string_is_refused_with_its_position(word, message):
    with pytest.raises(UserError, match=f"^word 1 of sentence 1 is {message}"):
        list(checked_sentences([["a"], ["a", word, 3]]))


@pytest.mark.parametrize("sentences", ["the bank", b"the bank", None, 7], ids=repr)
def test_what_is_no_collection_of_sentences_is_refused_at_once(sentences):
    with pytest.raises(UserError, match=r"^the sentences are .*, expected a list of sentences"):
        checked_sentences(sentences)


def an_elmo(**changes):
    config = BiLMConfig(**{"embedding_dim": 8, "hidden_dim": 8, **changes})
    return ELMo(BiLM(config, len(WORDS), rng=np.random.default_rng(0)), WORDS)


def classifier(elmo):
    return SentenceClassifier(elmo, ["x", "y"])


def translator(elmo):
    return Translator(elmo, ["<S>", "</S>", "<UNK>", "c"], ["<UNK>", "a"], TaskConfig(input="learnt"))


ENTRANCES = {
    "embed": lambda elmo, text, out: elmo.embed(text),
    "state carry": lambda elmo, text, out: elmo.embed(text, "carry"),
    "state warm": lambda elmo, text, out: elmo.vectors(text, state="warm"),
    "pooled": lambda elmo, text, out: elmo.sentence_vectors(text),
    "index": lambda elmo, text, out: elmo.index(text),
    "index of words": lambda elmo, text, out: elmo.index(text, words=["a"]),
    "evaluate": lambda elmo, text, out: evaluate(elmo.model, WORDS, text),
    "evaluate alone": lambda elmo, text, out: evaluate(elmo.model, WORDS, text, state="reset"),
    "score": lambda elmo, text, out: score(elmo, text),
    "vocabulary": lambda elmo, text, out: Vocabulary.build(text),
    "mean vectors": lambda elmo, text, out: mean_vectors(elmo, text, quiet=True),
    "embed a file": lambda elmo, text, out: embed_file(elmo, text, out / "a.npz", quiet=True),
    "explore": lambda elmo, text, out: explore(elmo, text, out / "a.html", words=["a"], quiet=True),
    "train": lambda elmo, text, out: train(text, out / "r", settings=tiny("batch_size=1"), valid=TEXT, quiet=True),
    "validate": lambda elmo, text, out: train(TEXT, out / "r", settings=tiny("batch_size=1"), valid=text, quiet=True),
    "classify": lambda elmo, text, out: classifier(elmo).predict(text),
    "learn to classify": lambda elmo, text, out: classifier(elmo).train(text, ["x", "y"], TEXT, ["x", "y"]),
    "tag": lambda elmo, text, out: Tagger(elmo, ["O", "B-x", "I-x"]).predict(text),
    "translate": lambda elmo, text, out: translator(elmo).predict(text),
    "learn to translate": lambda elmo, text, out: translator(elmo).train(TEXT, text, TEXT, TEXT),
}


@pytest.mark.parametrize("kind", [{}, {"char_filters": ((1, 4), (2, 4)), "char_dim": 4}], ids=["words", "characters"])
@pytest.mark.parametrize("entrance", ENTRANCES.values(), ids=ENTRANCES)
def test_no_entrance_takes_anything_but_strings_for_words(entrance, kind, tmp_path):
    elmo = an_elmo(**kind)
    for wrong in (None, [None, "a"], [b"a"], [Token()], [["a"]], [float("nan")]):
        with pytest.raises(UserError, match=r"^(word 0 of )?sentence 1 is "):
            entrance(elmo, [["a", "b"], wrong], tmp_path)
    with pytest.raises(UserError, match=r"^the sentences are "):
        entrance(elmo, 7, tmp_path)


def test_the_sentences_of_a_task_may_come_from_a_generator():
    model = classifier(an_elmo())
    assert model.predict(sentence for sentence in TEXT) == model.predict(TEXT)
    assert translator(an_elmo()).predict(sentence for sentence in TEXT)[0].words is not None
    with pytest.raises(UserError, match=r"^2 sentences and 3 labels: expected one label per sentence$"):
        model.train((sentence for sentence in TEXT), ["x", "y", "y"], TEXT, ["x", "y"])


def test_one_sentence_for_vector_is_a_list_of_strings():
    for wrong, message in ((None, "the sentence is None"), ([b"a"], "word 0 of the sentence is b'a'")):
        with pytest.raises(UserError, match=f"^{message}, of type .*, expected a "):
            an_elmo().vector("a", wrong)


def test_a_vocabulary_of_bytes_is_refused():
    with pytest.raises(UserError, match=r"^word 4 of the vocabulary is b'a', expected a string: write it as text"):
        Vocabulary(["<S>", "</S>", "<UNK>", b"a"])
