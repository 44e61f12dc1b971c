"""The commands of elmo-np, a module each: ABOUT, a line; `arguments`, its options; `run`, which gives an exit code."""

from . import convert, demo, embed, evaluate, export, gradcheck, info, sample, score, similar, substitutes, train

COMMANDS = {"demo": demo, "train": train, "evaluate": evaluate, "embed": embed, "similar": similar,
            "score": score, "substitutes": substitutes, "sample": sample, "convert": convert, "export": export,
            "gradcheck": gradcheck, "info": info}           # in the order of --help
