"""Tasks on top of the vectors: networks, models and experiments that classify, tag, tell senses apart and translate.

    nn/             the equations of the tasks' layers, each with its gradient
    metrics/        accuracy, F1, BLEU, and their figures
    data/           labelled sentences: files, built-in data, NLTK's corpora
    models/         networks of such layers on the vectors of a frozen biLM, their training, their files
    experiments/    `elmo-np task`: one file per task, and what the actions train, compare and evaluate do

To add a task: a model in models/ that derives from `TaskModel`, a file in experiments/ with a `TaskSpec`, and its line
in experiments/registry.py. Each package's docstring tells you what may be changed freely and what files on disk depend
on.
"""
