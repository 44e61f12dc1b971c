"""From text to batches of ids.

    text, stop_words               tokens and sentences of raw text; the article's preprocessing
    corpus, pydoc_corpus, grammar  where sentences come from; grammar_rules.txt has the grammar's tables
    wikipedia, wikitext            the articles of Wikipedia's dumps, and the sentences in their markup
    dump_to_text                   dumps to a text file, by several processes, interrupted or not
    sharded_corpus                 many files, each read by itself, in a new order in every epoch
    items, delimited               sentences with the columns of an experiment; tables with a header row
    text_lines                     the lines of a file as people have it, compressed or not; what is not text is refused
    vocabulary                     words and their ids: `Vocabulary.encode` turns a sentence into ids
    batches, spool                 from sentences to (T, B) batches for both directions

A newcomer may add a corpus: a class with a name whose every pass gives the same sentences, and a line in `open_corpus`.

Frozen, because trained models depend on it: the special tokens <S>, </S> and <UNK>; the format of vocabulary.txt, and
the order of words in it; how `text.tokens` splits text that models were trained on; the sentences that the grammar
gives for a seed; and the order of sentences and batches for a seed, without which a resumed run differs.
"""
