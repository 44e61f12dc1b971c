"""The layers of the tasks' networks: every equation is tagged, and every gradient is checked by `elmo-np gradcheck`.

Read in this order: inputs (N), linear (K) and pooling (G), which a sentence classifier needs; bilstm (U); crf (F) with
the Viterbi part of search (X) for tagging; attention (Z), decoder (Y) and the rest of search for translation;
tuned_bilm (I), a biLM that learns with its task. `lengths` is their common check of sentence lengths. The equations are
derived in tutorials 13 to 16 and listed in tutorials/equations.md.

You may change anything that keeps the equations: names inside functions, the order of computations, new layers.
Frozen, because the names and shapes are those of arrays in saved task models: the attributes that hold a `Parameter`
or a layer (`W`, `b`, `start`, `transition`, `forward_lstm`, ..). A tag, a function with a tag and the table in
tutorials/equations.md change together.
"""
