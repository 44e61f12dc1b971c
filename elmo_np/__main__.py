"""`python -m elmo_np`: the command line."""

from .cli.main import entry, main

__all__ = ["entry", "main"]

if __name__ == "__main__":
    entry()
