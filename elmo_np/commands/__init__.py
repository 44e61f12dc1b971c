"""The commands of elmo-np, a module each: ABOUT, a line; `arguments`, its options; `run`, which gives an exit code."""

from . import demo, embed, evaluate, explore, gradcheck, info, report, similar, train

COMMANDS = {"demo": demo, "train": train, "evaluate": evaluate, "embed": embed, "similar": similar,
            "explore": explore, "report": report, "gradcheck": gradcheck, "info": info}     # in the order of --help
