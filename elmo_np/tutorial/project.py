"""Where the tutorials and the kernel sources are, which an installed package has as copies."""

from __future__ import annotations

from pathlib import Path

import elmo_np


def project_directory() -> Path:
    """The directory that contains tutorials/ and kernels/: the project's, or the copy that setup.py puts in a wheel."""
    package = Path(elmo_np.__file__).parent
    copy = package / "project"
    return copy if copy.is_dir() else package.parent


def installed() -> bool:
    """Whether the tutorials are copies in an installed package, which nobody should change."""
    return project_directory().name == "project"
