"""What to do where the kernels are missing: it depends on the system, and on what is there to compile them."""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from pathlib import Path
from shutil import which

LLVM_ON_WINDOWS = r"C:\Program Files\LLVM\bin"          # its installer does not add it to PATH unless asked to
SOURCES = Path(__file__).parents[1]


def install_hint() -> str:
    """One sentence: what this machine lacks to compile the kernels, how to get it, and what to run then."""
    needed = _clang_on_windows() if sys.platform == "win32" else [*_compiler(), *_headers()]
    target = f"-e {shlex.quote(str(SOURCES))}" if (SOURCES / "setup.py").exists() else "PATH-OF-THE-SOURCES"
    if not needed:
        return f"see what the compiler says: pip install -v --force-reinstall --no-deps {target}"
    return f"{'; '.join(needed)}; then run: pip install --force-reinstall --no-deps {target}"


def clang_cl() -> str | None:
    """The path of clang with Microsoft's options, if it is there; setup.py compiles with it on Windows."""
    return which("clang-cl") or which("clang-cl", path=LLVM_ON_WINDOWS)


def _clang_on_windows() -> list[str]:
    if clang_cl():
        return []
    return ["there is no clang-cl: install LLVM (winget install LLVM.LLVM) and Visual Studio's Build Tools with C++ "
            "(their own compiler cannot compile the kernels)"]


def _compiler() -> list[str]:
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if which(compiler):
        return []
    how = "xcode-select --install" if sys.platform == "darwin" else \
        "Debian, Ubuntu: apt-get install gcc libc6-dev; Fedora: dnf install gcc"
    return [f"there is no C compiler {compiler}: install one ({how})"]


def _headers() -> list[str]:
    if Path(sysconfig.get_path("include"), "Python.h").exists():
        return []
    how = "macOS: Python from python.org has them" if sys.platform == "darwin" else \
        "Debian, Ubuntu: apt-get install python3-dev; Fedora: dnf install python3-devel"
    return [f"there is no Python.h: install Python's header files ({how})"]
