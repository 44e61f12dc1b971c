"""A disk with little room, as far as this process can tell."""

from contextlib import contextmanager

import pytest


@contextmanager
def room_for(size):
    """While the body runs, the system refuses to write beyond that many bytes of any file."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
