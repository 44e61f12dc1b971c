"""Labelled sentences from NLTK's corpora; needs NLTK, the extra [nltk], and its data."""

from __future__ import annotations

from typing import Any

from ...errors import UserError
from .conll import begun, well_formed
from .examples import Examples, Occurrence

CATEGORIES = ("sentence_polarity", "subjectivity")      # corpora with a category for each sentence
# Corpora with a label for each word and a test part: {name: (corpus, file to train on, file to test on)}.
LABELLED = {"conll2000": ("conll2000", "train.txt", "test.txt"),
            "conll2002-esp": ("conll2002", "esp.train", "esp.testb"),
            "conll2002-ned": ("conll2002", "ned.train", "ned.testb")}
PARTS_OF_SPEECH = "treebank"


def corpus(name: str) -> Any:
    """The reader of an NLTK corpus. Raises UserError if NLTK or the data of the corpus are missing."""
    try:
        import nltk
    except ImportError:
        raise UserError(f"nltk:{name} needs NLTK: pip install 'elmo_np[nltk]'") from None
    reader = getattr(nltk.corpus, name)
    try:
        reader.ensure_loaded()
    except LookupError:
        raise UserError(f"NLTK has no data for {name}: run python -m nltk.downloader {name}, or set NLTK_DATA to the "
                        "directory that contains corpora/") from None
    return reader


def categories(name: str) -> Examples:
    """The sentences of sentence_polarity or subjectivity, with neg or pos, obj or subj."""
    if name not in CATEGORIES:
        raise UserError(f"nltk:{name}: expected nltk:{' or nltk:'.join(CATEGORIES)}")
    reader, found = corpus(name), Examples([], [])
    for category in reader.categories():
        for sentence in reader.sents(categories=category):
            if sentence:
                found.sentences.append(list(sentence))
                found.labels.append(category)
    return found


def labelled(name: str) -> tuple[Examples, Examples]:
    """The examples of conll2000, chunks, and of conll2002, Spanish and Dutch entities, to train and to test on.

    Source: Tjong Kim Sang and Buchholz 2000; Tjong Kim Sang 2002.
    """
    directory, *files = LABELLED[name]
    reader = corpus(directory)
    found = []
    for file in files:
        sentences = [sentence for sentence in reader.iob_sents(file) if sentence]
        found.append(Examples([[row[0] for row in sentence] for sentence in sentences],
                              [well_formed(begun([row[2] for row in sentence])) for sentence in sentences]))
    train, test = found
    return train, test


def parts_of_speech(name: str) -> Examples:
    """The sentences of treebank, a sample of the Penn Treebank, with their parts of speech; its traces, which nobody
    writes, are left out."""
    if name in LABELLED:
        raise UserError(f"nltk:{name} has a test part of its own, so it cannot be --test or --valid: expected a "
                        f"file, or nltk:{PARTS_OF_SPEECH}")
    if name != PARTS_OF_SPEECH:
        raise UserError(f"nltk:{name}: expected nltk:{', nltk:'.join(LABELLED)} or nltk:{PARTS_OF_SPEECH}")
    sentences = [[(word, tag) for word, tag in sentence if tag != "-NONE-"] for sentence in corpus(name).tagged_sents()]
    sentences = [sentence for sentence in sentences if sentence]
    return Examples([[word for word, _ in sentence] for sentence in sentences],
                    [[tag for _, tag in sentence] for sentence in sentences])


def senseval() -> Examples:
    """The occurrences of hard, interest, line and serve with their sense, or with the first of several senses.

    Source: Leacock et al. 1998; Bruce and Wiebe 1994.
    """
    reader, found = corpus("senseval"), Examples([], [])
    for file in reader.fileids():
        for instance in reader.instances(file):
            # Most tokens come with a part of speech, some alone.
            tokens = [token if isinstance(token, str) else token[0] for token in instance.context]
            found.sentences.append(tokens)
            found.labels.append(Occurrence(instance.position, file.removesuffix(".pos"), instance.senses[0]))
    return found
