"""Marks for tests that need of the system what Windows does not have."""

import sys

import pytest

WINDOWS = sys.platform == "win32"
needs_links = pytest.mark.skipif(WINDOWS, reason="on Windows, few users may make symbolic links")
needs_pipes = pytest.mark.skipif(WINDOWS, reason="Windows has no named pipes among its files")
needs_signals = pytest.mark.skipif(WINDOWS, reason="Windows cannot send a process this signal")
needs_devices = pytest.mark.skipif(WINDOWS, reason="Windows has no /dev")
needs_limits = pytest.mark.skipif(WINDOWS, reason="Windows has no limits of resources")
