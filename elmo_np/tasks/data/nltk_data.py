"""Labelled sentences from NLTK's corpora; needs NLTK, the extra [nltk], and its data."""

from __future__ import annotations

from typing import Any

from ...errors import UserError
from .examples import Examples, Occurrence

CATEGORIES = ("sentence_polarity", "subjectivity")      # corpora with a category for each sentence


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
