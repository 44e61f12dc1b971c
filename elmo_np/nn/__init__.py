"""The equations: every layer of the model with its forward and its backward pass, the loss and the optimisers.

A line of code that computes an equation ends with its tag, such as `# (L3)`; tutorials/equations.md derives it. A
function with `@twin` is the NumPy reference of a compiled kernel in kernels/, which computes the same.

Read in this order, in one evening:
    parameter       a trainable array and its gradient
    embedding       (E) the smallest complete layer
    cell            what a recurrent layer owes the rest of the package
    lstm            (L) the recurrence and back-propagation through time
    dropout         (D)
    activation_penalty  (T) penalties that keep the outputs small and slow
    softmax         (S) the probability of the next word, and the loss
    language_model  (R) the layers of one direction
    bilm            (B) both directions
    representation  (V) from hidden states to a word's vector
    optim, averaging    (O) the updates, and the average of the weights
    gradcheck       whether a gradient is right
and in a second one:
    gru             (H) another recurrence
    characters, char_cnn (C), shared_char_cnn       a word's vector from its characters
    adaptive_softmax (A), sampled_softmax (Q)       a large vocabulary at a fraction of the cost
    tied_softmax    (W) weights that are word vectors
    initializers, sequences, matmul, checks         small parts that several layers use

A newcomer may change everything within a function: the tests compare it with its equation, its gradient and its kernel.
Frozen, because model files on disk depend on it: the dotted names of the parameters (`forward_lm.layers.0.Wx`), that is
the names of attributes that hold a Parameter or a layer, their shapes, and the orders i f o g and r z n of the gates.
Frozen for everyone who trains with a seed: the order in which start values and dropout masks are drawn.
"""
