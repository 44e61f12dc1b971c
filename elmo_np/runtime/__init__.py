"""Runtime: what any long computation needs from the system, without knowing about models.

`files` replaces a file in one step, `jupyter` knows a notebook, `launcher` tells which of the processes of an MPI
launcher this one is, `locks` keeps a second process out of a folder, `progress` writes a line on stderr, `signals`
turns Ctrl-C into an orderly stop, `terminal` shows control characters instead of sending them to a terminal, `threads`
runs two directions at once, and `unfinished` is the folder that work is kept in until its file is complete.

A newcomer may change anything here: no file on disk depends on it. But keep two promises that the rest relies on: a
file is never half written, and results do not depend on the number of threads.
"""
