"""A small model from the shell, and the quick tests, on the elmo_np that is installed and away from its sources.

    python .ci/test_installed.py        # with the Python in whose environment elmo_np and the extra [test] are

With ELMO_NP_KERNELS=require it fails where the kernels are missing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
QUICK = ("test_backend.py", "test_install_hint.py", "test_kernel_source.py", "test_sklearn.py", "cli/test_info.py",
         "inference/test_elmo.py", "io/test_safetensors_file.py", "nn", "runtime", "whole/test_kernel_memory.py",
         "whole/test_models_of_0_1.py", "whole/test_twins.py")
TEXT = str(PROJECT / "README.md")
SMALL = [word for key in ("tokenize=true", "epochs=1", "hidden_dim=16", "embedding_dim=16") for word in ("--set", key)]
COMMANDS = (("info",), ("train", TEXT, "--out", "run", *SMALL),
            ("similar", "run", "word", "--in", "every word of the corpus", "--corpus", TEXT))


def main() -> None:
    with tempfile.TemporaryDirectory() as away:
        def run(*command: str) -> None:
            subprocess.run([sys.executable, *command], cwd=away, check=True,
                           env={**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": ""})
        where = "from pathlib import Path; import elmo_np, sys; print(elmo_np.__file__); " \
                "sys.exit(Path(sys.argv[1]) in Path(elmo_np.__file__).resolve().parents)"
        run("-c", where, str(PROJECT))
        for command in COMMANDS:
            run("-m", "elmo_np", *command)
        for name in "tests", "kernels":         # a test compares the kernels with their sources
            shutil.copytree(PROJECT / name, Path(away, name), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PROJECT / "pyproject.toml", away)
        run("-m", "pytest", "-n", "auto", "--dist", "worksteal", *(f"tests/{name}" for name in QUICK))


if __name__ == "__main__":
    main()
