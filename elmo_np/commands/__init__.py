"""The commands of elmo-np, a module each: ABOUT, a line; `arguments`, its options; `run`, which gives an exit code."""

from . import convert, demo, embed, evaluate, export, gradcheck, info, similar, train

COMMANDS = {"demo": demo, "train": train, "evaluate": evaluate, "embed": embed, "similar": similar,
            "convert": convert, "export": export, "gradcheck": gradcheck, "info": info}     # in the order of --help
