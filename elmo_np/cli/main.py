"""The command line: elmo-np COMMAND. User errors are one line on stderr with exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Any, NoReturn, TextIO

from .. import __version__, _early_interrupt, backend
from ..errors import ReportedElsewhere, UserError
from ..runtime.launcher import check_alone
from ..runtime.signals import Interrupted
from ..runtime.terminal import escaped, escaping_stdout
from . import COMMANDS
from .common import check_empty, check_order, check_tokenize

SHARED = ("train", "embed")         # commands whose work the processes of an MPI launcher share
EACH = ("info",)                    # what each of them prints by itself
RESUMED = ("train", "tune", "embed", "corpus")       # commands that go on with --resume


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line, which name the help of the command that was given."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The parser of a command reports what it does not know itself; argparse leaves that to the topmost parser."""
        for word in sys.argv[1:] if args is None else args:
            if re.fullmatch("--[^=]+=--", word):        # argparse would give the option a list
                self.error(f"{word}: expected a value")
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def parser(words: Collection[str] | None = None) -> Parser:
    """All commands, with the options of those among `words`, by default of all.

    Importing all of them takes longer than many commands.
    """
    program = Parser(prog="elmo-np", description="ELMo from scratch in NumPy: train, evaluate, embed, check.")
    program.add_argument("--version", action="version", version=__version__)
    commands = program.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for name, about in COMMANDS.items():
        options = commands.add_parser(name, help=about, description=about)
        if words is not None and name not in words:
            continue
        command = import_module(f"..{name}", __name__)
        options.set_defaults(run=command.run, go_on=" with --resume" if name in RESUMED else "")
        if hasattr(command, "subcommands"):
            command.subcommands(options, words)
        else:
            command.arguments(options.add_argument)
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _open_missing_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Line buffering keeps progress and output in order in a log; "?" replaces what the terminal cannot show.
        sys.stdout.reconfigure(line_buffering=True, errors="replace")
    with escaping_stdout():
        return guarded("elmo-np", lambda: _command(argv))


def _open_missing_streams() -> None:
    """Give a program that was started without standard streams some to write to, such as `2>&-`.

    Otherwise the next file that is opened would get the number of the missing one, and with it what is meant for it.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115


def _command(argv: Sequence[str] | None) -> int:
    _early_interrupt.end()          # here, where Ctrl-C is one line too
    words = sys.argv[1:] if argv is None else argv
    check_empty(words)
    args = parser(words).parse_args(words)
    backend.require()
    check_order(args)
    check_tokenize(args)
    if args.command not in SHARED + EACH:
        check_alone(f"elmo-np {args.command}")
    try:
        code: int = args.run(args)
    except Interrupted as stopped:
        if not stopped.go_on:
            raise
        raise Interrupted(f"{stopped}; to go on: the same command{args.go_on}") from None
    return code


def guarded(program: str, command: Callable[[], int | None]) -> int:
    """Run a command and return its exit code, 0 for None. An early end is one line on stderr, after `program`."""
    code = _guarded(program, command)
    with contextlib.suppress(ValueError):       # closed
        try:
            sys.stderr.flush()
        except OSError:                         # nobody reads it any more: Python would exit with 120
            _discard(sys.stderr)
    return code


def _guarded(program: str, command: Callable[[], int | None]) -> int:
    try:
        code = command()
        sys.stdout.flush()
        return code or 0
    except ReportedElsewhere as error:
        return error.code
    except Interrupted as stopped:
        return failed(program, str(stopped), 130)
    except UserError as error:
        return failed(program, f"error: {error}", 2)
    except KeyboardInterrupt:
        return failed(program, "stopped", 130)
    except BrokenPipeError:         # the reader of the output has closed it, as `| head` does
        _discard(sys.stdout)
        return 0
    except OSError as error:
        return failed(program, f"error: {error.filename or 'a file'}: {error.strerror or error}; check the path", 2)
    except MemoryError as error:
        return failed(program, f"error: out of memory ({error}); make the model, the batch or the corpus smaller", 2)


def failed(program: str, message: str, code: int) -> int:
    """Report in one line why the program ends, and return the exit code."""
    with contextlib.suppress(OSError):      # stderr may be closed; the exit code remains
        line = message.strip().replace("\n", "\\n").replace("\t", "\\t")
        print(f"{program}: {escaped(line)}", file=sys.stderr)
    return code


def _discard(stream: TextIO) -> None:
    """From now on, lose what is written to a stream that nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def entry() -> NoReturn:
    """The entry point of the installed command."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
