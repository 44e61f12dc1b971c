"""Builds the only extension, elmo_np._kernels, copies the tutorials, and makes the text for a package index; everything
else is in pyproject.toml.

Without a C compiler the package still installs and uses NumPy; `elmo-np info` then tells why.
"""

import re
import sys
import sysconfig
from pathlib import Path
from runpy import run_path
from shutil import copytree

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CompileError

# Neither -march=native (a wheel must run on other machines) nor -ffast-math (it hides NaN): see kernels/README.md.
OPTIMISE = ["-O3", "-fno-math-errno", "-fno-trapping-math"]
GCC_ARGUMENTS = [*OPTIMISE, "-g0", "-Wno-psabi"]
INSTALL_HINT = run_path("elmo_np/install_hint.py")
WINDOWS_TARGETS = {"win-amd64": "x86_64-pc-windows-msvc", "win-arm64": "arm64-pc-windows-msvc"}


class OptionalBuildExt(build_ext):
    """Kernels that cannot be compiled must not prevent the installation."""

    def build_extensions(self):
        for extension in self.extensions:
            extension.optional = True       # here, because cythonize() drops the flag
        super().build_extensions()

    def build_extension(self, extension):
        if self.compiler.compiler_type == "msvc":
            extension.extra_compile_args = self.clang_arguments()
        super().build_extension(extension)

    def clang_arguments(self):
        """Makes clang compile for Microsoft's linker: their compiler has no vector types."""
        clang = INSTALL_HINT["clang_cl"]()
        if clang is None:
            where = INSTALL_HINT["LLVM_ON_WINDOWS"]
            raise CompileError(f"the kernels need clang-cl, a part of LLVM: not on PATH, nor in {where}")
        self.compiler.initialize(self.plat_name)
        self.compiler.cc = clang
        return [f"--target={WINDOWS_TARGETS[self.plat_name]}", *(f"/clang:{option}" for option in OPTIMISE)]


class BuildWithTutorials(build_py):
    """A wheel contains the tutorials and the kernel sources that they show; an editable install uses the project's."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for name in "tutorials", "kernels":
                copytree(name, Path(self.build_lib) / "elmo_np/project" / name, dirs_exist_ok=True)


def for_an_index(readme):
    """The README without its pictures and without links to files of the project: a package index has neither."""
    return re.sub(r"\[([^]]*)\]\((?!https?:)[^)]*\)", r"\1", re.sub(r"!\[[^]]*\]\([^)]*\)\n*", "", readme))


# From 3.11 on, the stable interface has buffers: one extension serves all newer Pythons, except those without a global
# interpreter lock, which have no stable interface yet.
STABLE = sys.version_info >= (3, 11) and not sysconfig.get_config_var("Py_GIL_DISABLED")
SOURCE_SHA256 = run_path("kernels/source_digest.py")["source_digest"]("kernels")
KERNELS = Extension(
    "elmo_np._kernels",
    ["kernels/_kernels.pyx"],
    include_dirs=["kernels"],
    define_macros=[("SOURCE_SHA256", f'"{SOURCE_SHA256}"'), *([("Py_LIMITED_API", "0x030B0000")] if STABLE else [])],
    depends=[str(path) for path in sorted(Path("kernels").glob("*.[hp]*"))],
    extra_compile_args=GCC_ARGUMENTS,
    py_limited_api=STABLE,
)

setup(
    ext_modules=cythonize([KERNELS], build_dir="build", include_path=["kernels"]),
    cmdclass={"build_ext": OptionalBuildExt, "build_py": BuildWithTutorials},
    long_description=for_an_index(Path("README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {},
)
