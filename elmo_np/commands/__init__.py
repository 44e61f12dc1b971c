"""The commands of elmo-np, a module each: ABOUT, a line; `arguments`, its options; `run`, which gives an exit code."""

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
    train,
)

COMMANDS = {"demo": demo, "train": train, "evaluate": evaluate, "embed": embed, "similar": similar,
            "score": score, "substitutes": substitutes, "sample": sample, "explore": explore, "report": report,
            "convert": convert, "export": export, "gradcheck": gradcheck, "info": info}     # in the order of --help
