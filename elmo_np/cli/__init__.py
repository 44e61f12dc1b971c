"""The command line: one module per command of elmo-np.

A module has ABOUT, one line of help; `arguments`, which adds its options (or `subcommands`, which adds commands below
it); and `run`, which returns an exit code. `main` parses and runs them, and turns every user error into one line;
`common` holds what several commands share. What commands do is in the other packages: here are only options and output.

A newcomer may add a command: write such a module and list it in COMMANDS. Names of commands and options, exit codes,
the fields of --json and the columns of tables are used in scripts: add to them, but do not change them.
"""

from . import (
    change,
    convert,
    corpus,
    demo,
    embed,
    evaluate,
    exercise,
    explore,
    export,
    gradcheck,
    info,
    probe,
    report,
    sample,
    score,
    similar,
    substitutes,
    surprisal,
    task,
    train,
    tune,
    tutorial,
    vectors,
)

# In the order that --help shows
COMMANDS = {"demo": demo, "train": train, "tune": tune, "evaluate": evaluate, "embed": embed, "similar": similar,
            "score": score, "surprisal": surprisal, "probe": probe, "substitutes": substitutes, "sample": sample,
            "explore": explore, "report": report, "change": change, "vectors": vectors, "task": task, "corpus": corpus,
            "convert": convert, "export": export, "gradcheck": gradcheck, "tutorial": tutorial, "exercise": exercise,
            "info": info}
