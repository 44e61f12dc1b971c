"""Every warning is an error, in the tests and in the processes that they start, except one that is false.

On Apple's processors NumPy's products set the flags of errors that have not happened:
https://github.com/numpy/numpy/issues/28687. There, and only there, these warnings mean nothing.
"""

import platform
import sys

FALSE = [f"ignore:{error} encountered in matmul:RuntimeWarning"
         for error in ("divide by zero", "overflow", "invalid value")]


def filters(system, machine):
    """The filters besides "error", as in pytest's filterwarnings and in Python's option -W; the last that fits acts."""
    return FALSE if (system, machine) == ("darwin", "arm64") else []


def options(*more):
    """Python's options for a process in which every warning is an error, unless it fits one of the filters `more`."""
    return [word for one in ("error", *more) for word in ("-W", one)]


FILTERS = filters(sys.platform, platform.machine())
OPTIONS = options(*FILTERS)
