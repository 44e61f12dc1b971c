"""Peak memory of this process above its idle size."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc/self")


class Peak:
    """Counts from its construction on.

    Pages of program files are left out: the system shares them and can drop them, and a large library loads more of
    itself at its first step.
    reset   whether the kernel reset the previous peak; if not, `mb` is too high if importing took more than working
    """

    def __init__(self) -> None:
        try:
            (PROC / "clear_refs").write_text("5")       # proc(5): resets the peak
            self.reset = True
        except OSError:
            self.reset = False
        status = _status()
        self._rest = status["VmRSS"] - status["RssFile"] if status else None

    def mb(self) -> float | None:
        """Peak MB (2**20 bytes) since then, None on a system without /proc."""
        status = _status()
        if status is None or self._rest is None:
            return None
        return (status["VmHWM"] - status["RssFile"] - self._rest) / 1024


def _status() -> dict[str, int] | None:
    """VmHWM (peak), VmRSS and RssFile in kB."""
    try:
        rows = (line.split() for line in (PROC / "status").read_text().splitlines())
        found = {row[0].rstrip(":"): int(row[1]) for row in rows if row[-1] == "kB"}
        return {name: found[name] for name in ("VmHWM", "VmRSS", "RssFile")}
    except (OSError, KeyError):
        return None
