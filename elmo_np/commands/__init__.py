"""The commands of elmo-np, a module each: ABOUT, a line; `arguments`, its options, or `subcommands`; `run`, which gives
an exit code."""

from . import demo, embed, evaluate, gradcheck, info, similar, task, train

COMMANDS = {"demo": demo, "train": train, "evaluate": evaluate, "embed": embed, "similar": similar,
            "task": task, "gradcheck": gradcheck, "info": info}           # in the order of --help
