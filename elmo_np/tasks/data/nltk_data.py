"""Labelled sentences from NLTK's corpora, where NLTK and its data are present: the extra [nltk]."""

from __future__ import annotations

from typing import Any

from ...errors import UserError
from .files import Examples, Occurrence

CATEGORIES = ("sentence_polarity", "subjectivity")      # corpora whose sentences have a category each


def corpus(name: str) -> Any:
    """An NLTK corpus by its name, its data found. Raises UserError where something is missing."""
    try:
        import nltk
    except ImportError:
        raise UserError(f"nltk:{name} needs NLTK: pip install 'elmo_np[nltk]'") from None
    reader = getattr(nltk.corpus, name)
    try:
        reader.ensure_loaded()
    except LookupError:
        raise UserError(f"NLTK has no data for {name}: run python -m nltk.downloader {name}, or set NLTK_DATA to the "
                        "folder that holds corpora/") from None
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
    """The occurrences of hard, interest, line and serve, each with its sense; the first, where there are several.

    Source: Leacock et al. 1998; Bruce and Wiebe 1994.
    """
    reader, found = corpus("senseval"), Examples([], [])
    for file in reader.fileids():
        for instance in reader.instances(file):
            # Some tokens have no part of speech and stand alone.
            tokens = [token if isinstance(token, str) else token[0] for token in instance.context]
            found.sentences.append(tokens)
            found.labels.append(Occurrence(instance.position, file.removesuffix(".pos"), instance.senses[0]))
    return found
