"""install_hint: the advice is for this system, and names what is missing."""

import sys
import sysconfig

import pytest

from elmo_np import install_hint as module
from elmo_np.install_hint import clang_cl, install_hint

THEN = "; then run: pip install --force-reinstall --no-deps "


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Pretend a system that has some of the tools."""
    def pretend(system, *, compiler=False, headers=False, sources=True):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(module, "which", lambda name, path=None: name if compiler else None)
        monkeypatch.setattr(module, "SOURCES", tmp_path)
        monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
        monkeypatch.setenv("CC", "gcc -pthread")
        for name in ["Python.h"] * headers + ["setup.py"] * sources:
            (tmp_path / name).touch()
    return pretend


def test_linux_names_the_packages_of_what_is_missing(machine, tmp_path):
    machine("linux")
    assert install_hint() == (
        "there is no C compiler gcc: install one (Debian, Ubuntu: apt-get install gcc libc6-dev; "
        "Fedora: dnf install gcc); there is no Python.h: install Python's header files "
        "(Debian, Ubuntu: apt-get install python3-dev; "
        f"Fedora: dnf install python3-devel){THEN}-e {tmp_path}")


def test_only_what_is_missing_is_named(machine):
    machine("linux", compiler=True)
    assert "C compiler" not in install_hint()
    assert "python3-dev" in install_hint()


def test_macos_installs_its_command_line_tools(machine):
    machine("darwin", headers=True)
    assert install_hint().startswith("there is no C compiler gcc: install one (xcode-select --install); then run: pip ")


def test_windows_needs_clang(machine):
    machine("win32")
    assert install_hint().startswith("there is no clang-cl: install LLVM (winget install LLVM.LLVM) and Visual Studio")
    assert "apt-get" not in install_hint()


def test_clang_is_also_found_where_its_installer_puts_it(monkeypatch):
    monkeypatch.setattr(module, "which", lambda name, path=None: path and f"{path}\\{name}.exe")
    assert clang_cl() == r"C:\Program Files\LLVM\bin\clang-cl.exe"


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_where_nothing_is_missing_the_compiler_has_the_word(machine, system, tmp_path):
    machine(system, compiler=True, headers=True)
    assert install_hint() == f"see what the compiler says: pip install -v --force-reinstall --no-deps -e {tmp_path}"


def test_a_wheel_does_not_know_where_the_sources_are(machine):
    machine("linux", headers=True, sources=False)
    assert install_hint().endswith(f"{THEN}PATH-OF-THE-SOURCES")
