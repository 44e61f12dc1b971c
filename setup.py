"""Builds the only extension, elmo_np._kernels, and copies the tutorials; everything else is in pyproject.toml.

Without a C compiler the package still installs and uses NumPy; `elmo-np info` then tells why.
"""

from pathlib import Path
from runpy import run_path
from shutil import copytree

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py


class OptionalBuildExt(build_ext):
    """Kernels that cannot be compiled must not prevent the installation."""

    def build_extensions(self):
        for extension in self.extensions:
            extension.optional = True       # here, because cythonize() drops the flag
        super().build_extensions()


class BuildWithTutorials(build_py):
    """A wheel contains the tutorials and the kernel sources that they show; an editable install uses the project's."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for name in "tutorials", "kernels":
                copytree(name, Path(self.build_lib) / "elmo_np/project" / name, dirs_exist_ok=True)


SOURCE_SHA256 = run_path("kernels/source_digest.py")["source_digest"]("kernels")
KERNELS = Extension(
    "elmo_np._kernels",
    ["kernels/_kernels.pyx"],
    include_dirs=["kernels"],
    define_macros=[("SOURCE_SHA256", f'"{SOURCE_SHA256}"')],
    depends=[str(path) for path in sorted(Path("kernels").glob("*.[hp]*"))],
    # Neither -march=native (a wheel must run on other machines) nor -ffast-math (it hides NaN): see kernels/README.md.
    extra_compile_args=["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"],
)

setup(
    ext_modules=cythonize([KERNELS], build_dir="build", include_path=["kernels"]),
    cmdclass={"build_ext": OptionalBuildExt, "build_py": BuildWithTutorials},
)
