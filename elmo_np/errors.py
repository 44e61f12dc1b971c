"""The one kind of error that a person can mend: its message is a single line."""


class UserError(ValueError):
    """What was given, what was expected and what to do, in one line.

    The command line prints it on stderr and exits with 2. A program that calls elmo_np sees a ValueError.
    """
