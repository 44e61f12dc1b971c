"""What any program needs and no model does: atomic files, progress on stderr, signals, threads.

    files      a file is written completely or not at all
    progress   one line that is rewritten in a terminal, plain lines in a log
    signals    Ctrl-C and SIGTERM become `Interrupted` at a point where everything is saved
    threads    one BLAS thread, and two directions at the same time

Nothing on disk depends on this package. It may be changed freely as long as results do not depend on the number of
threads, and nothing that is half written replaces a file.
"""
