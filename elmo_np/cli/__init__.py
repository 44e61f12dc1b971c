"""The commands of elmo-np, a module each: ABOUT, a line; `arguments`, its options, or `subcommands`; `run`, which gives
an exit code."""

from . import (
    convert,
    demo,
    embed,
    evaluate,
    explore,
    export,
    gradcheck,
    info,
    report,
    sample,
    score,
    similar,
    substitutes,
    task,
    train,
    vectors,
)

# In the order of --help
COMMANDS = {"demo": demo, "train": train, "evaluate": evaluate, "embed": embed, "similar": similar,
            "score": score, "substitutes": substitutes, "sample": sample, "explore": explore, "report": report,
            "vectors": vectors, "task": task, "convert": convert, "export": export, "gradcheck": gradcheck,
            "info": info}
