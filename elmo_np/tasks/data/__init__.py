"""Labelled sentences: files, data built from Python and the grammar, NLTK's corpora.

    examples    sentences with labels in memory
    tables      TSV, CSV, JSON Lines, and lines that begin with a label; columns by name or number
    files       the files of classification, word senses and translation, and sentences alone
    conll       words and labels in columns: CoNLL and CoNLL-U
    wic         pairs of sentences with a word in common
    splits      held-out parts and folds
    builtin, synthetic_language, nltk_data      data that need no file

You may add formats and data sets; experiments/ lists them for the command line. Frozen: the columns of the files that
people have, and the random draws of `split_indices` and `fold_indices`, by which a saved model's `evaluate` finds the
sentences that it was not trained on.
"""
