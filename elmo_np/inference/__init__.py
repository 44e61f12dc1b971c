"""A trained biLM at work: vectors, perplexities, scores, substitutes, samples and nearest occurrences.

    elmo                the embedder, `ELMo`, and how it is loaded and saved
    token_indexer       what a model reads for a word: its id, or its characters
    encoder             sentences to hidden states, in batches; long_sentences: in parts; word_cache: each word once
    embed_file          a whole text to a file, which can be interrupted
    evaluate            perplexity and scores (P)
    surprisal           of every word, with the entropy of its prediction (P)
    neural_cache        evaluation with a cache of the last words (P)
    dynamic_evaluation  evaluation with a copy of the model that goes on learning (P)
    probe               how often surprisal is as test suites of grammar predict (P)
    substitutes, sampling   predictions (M)
    neighbours, occurrences, static_vectors   vectors of words, by occurrence or one per word
    gradient_reach      how far back the gradient of a prediction reaches
    confidence          the intervals of means and shares

Nothing here trains or changes a model. You may change how work is batched, and any default for speed or memory: the
tests compare the vectors with those of single sentences. Files on disk depend on word_cache (KIND and the names of its
arrays), on embed_file (place.safetensors, and the array names "0", "1", ..) and, through `save_model`, on the attribute
names of `ELMo`, which are the first part of every parameter name.
"""
