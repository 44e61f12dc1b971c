"""Task models: a network on the vectors of a frozen biLM, its training, and its file.

    task_model          the base class: training, batches, saving and loading
    fit, config         the training loop, and its settings
    checkpointing       the state of a training, to resume it
    embedding_cache     the vectors of sentences, computed once
    classifier, tagger, senses, wic, translator one model per task
    sentence_encoder, encoder_decoder           networks that they use

You may change networks and training as long as old files load: tests/tasks/models_of_0_1 holds some. Frozen, because
they are in saved models: the names of a network's attributes, `TASK`, the settings of `TaskConfig` and their names, the
fingerprint of the biLM, and the ids START, END and UNKNOWN.
"""
