"""What a notebook shows is told apart from any other stream."""

import io
import sys

from elmo_np.runtime.jupyter import in_notebook


class NotebookStream(io.StringIO):
    """Looks like ipykernel's stream, which is not a terminal."""


NotebookStream.__module__ = "ipykernel.iostream"


def test_only_the_stream_of_a_notebook_is_shown_by_one(monkeypatch):
    assert in_notebook(NotebookStream())
    assert not in_notebook(io.StringIO())
    assert not in_notebook()
    monkeypatch.setattr(sys, "stdout", NotebookStream())
    assert in_notebook()
