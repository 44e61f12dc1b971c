"""The only exception for user errors; its message is one actionable line."""


class UserError(ValueError):
    """What was given, what was expected and what to do, in one line.

    The command line prints it on stderr and exits with 2. A program that calls elmo_np sees a ValueError.
    """

    def __init__(self, message: str):
        super().__init__(" ".join(message.splitlines()))    # a name from a file may have a line break


class DoesNotFit(UserError):
    """Settings that are right by themselves, but not for this corpus or the memory of this machine."""


class ReportedElsewhere(UserError):
    """An error that another process of the same training reports: the command line ends with `code` in silence."""

    def __init__(self, message: str, code: int):
        super().__init__(message)
        self.code = code
