"""The commands of elmo-np, a module each: ABOUT, a line; `arguments`, its options; `run`, which gives an exit code."""

from . import demo, embed, evaluate, gradcheck, info, sample, score, similar, substitutes, train

COMMANDS = {"demo": demo, "train": train, "evaluate": evaluate, "embed": embed, "similar": similar,
            "score": score, "substitutes": substitutes, "sample": sample,
            "gradcheck": gradcheck, "info": info}           # in the order of --help
