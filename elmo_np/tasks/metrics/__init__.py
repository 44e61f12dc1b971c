"""Measures of predictions, and figures of them: scores (accuracy, F1, confusion), BLEU, significance,
figures.

You may change everything here; nothing on disk depends on it. The scores in benchmarks/tasks.md and in the tutorials
were computed with these definitions, which are those of conlleval, seqeval and sacrebleu.
"""
