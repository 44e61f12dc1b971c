"""`elmo-np task`: what each task reads and reports, and the actions train, compare, evaluate and predict.

    task_base           `TaskSpec`, the definition of a task
    classify, tag, senses, wic, translate       one file per task; registry lists them
    baselines           predictions without vectors, to compare with
    task_bilm, bilm_text, word2vec              the biLM of a task, the text it was trained on, word2vec on that text
    workflow, compare   the actions, with their reports
    wic_probe           WiC's pairs by layer, for `elmo-np probe`
    round_counts        what the models of a comparison got right, kept so that it can go on
    task_directory      the files that they write

You may add tasks, baselines and inputs, and change reports. Frozen: the names of the files in a task's directory, by
which models and the results of a stopped comparison are found again, and the names of tasks and actions.
"""
