"""Labelled sentences: files of four formats, data built from Python and the grammar, NLTK's corpora.

You may add formats and data sets; experiments/ lists them for the command line. Frozen: the columns of the files that
people have, and the random draws of `split_indices` and `fold_indices`, by which a saved model's `evaluate` finds the
sentences that it was not trained on.
"""
