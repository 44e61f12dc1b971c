"""The command line: one module per command of elmo-np.

A module has `arguments`, which adds its options (or `subcommands`, which adds commands below it), and `run`, which
returns an exit code. `main` imports the module of the command that is given, parses and runs it, and turns every user
error into one line; `common` holds what several commands share. What commands do is in the other packages: here are
only options and output.

A newcomer may add a command: write such a module and list it in COMMANDS. Names of commands and options, exit codes,
the fields of --json and the columns of tables are used in scripts: add to them, but do not change them.
"""

# The name of each module and its line of --help, in the order that --help shows.
COMMANDS = {
    "demo": "train, evaluate, embed and plot on built-in text",
    "train": "train a biLM",
    "tune": "search for the settings to train with",
    "evaluate": "compute the perplexity of each direction, over all words",
    "embed": "write the vectors of every word of a text to a file",
    "similar": "find occurrences of a word in similar contexts",
    "score": "print log p of every sentence or token, in each direction",
    "surprisal": "compute the surprisal of every word of the items of an experiment",
    "probe": "test what a model knows of grammar and senses, with pairs of sentences such as BLiMP's",
    "substitutes": "find words that could replace another in its sentence",
    "sample": "generate text, drawn from the model",
    "explore": "write an HTML page that shows the occurrences of words as points, layer by layer",
    "report": "write an HTML report of a run: curves, perplexities, samples, neighbours, settings",
    "change": "measure how the meaning of words differs between two corpora, such as two periods",
    "vectors": "write one vector per word, for programs that read word2vec files or for the TensorBoard projector",
    "task": "use the vectors: classify sentences, tag words, tell senses apart, "
            "compare the senses of a word, translate",
    "corpus": "write the sentences of a Wikipedia dump to a text file",
    "convert": "convert a published ELMo, or a language model of PyTorch, to a run directory",
    "export": "write a model in the format of the published weights",
    "gradcheck": "compare every gradient with central differences",
    "tutorial": "list the tutorials, run one and show what differs from its page, or make a Jupyter notebook of it",
    "exercise": "the tutorials' exercises: write a function and have it judged, or find a planted bug",
    "info": "show backend, SIMD path, BLAS, threads and versions",
}
