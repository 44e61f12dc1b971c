"""The machine and the versions that the figures were measured with."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

import elmo_np
from elmo_np import backend
from elmo_np.runtime.threads import blas

# By these, libraries of the other sides take narrower vectors than the processor has.
LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")


def version(*modules: str) -> tuple[str, str]:
    """The first module's version and "", or "" and why one of them cannot be imported. A separate process is asked, so
    that none is loaded here."""
    code = f"import {', '.join(modules)}; print({modules[0]}.__version__)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if asked.returncode == 0:
        return asked.stdout.strip(), ""
    return "", (asked.stderr.strip().splitlines() or ["no reason given"])[-1]


def describe(torch: str, onnx: str = "") -> str:
    """One line: the processor, everything whose version changes a time, and last the kernels that run.

    torch, onnx   versions of PyTorch and of ONNX Runtime, "" for none
    """
    kernels = f"kernels {backend.simd()}" if backend.backend() == "cython" else "no kernels"
    parts = [f"{processor()}, {cores()} cores", f"Python {platform.python_version()}",
             f"NumPy {np.__version__} with {blas()}",
             f"PyTorch {torch}" if torch else "no PyTorch",
             *([f"ONNX Runtime {onnx}"] if onnx else []),
             *(f"{name}={os.environ[name]}" for name in LIMITS if name in os.environ),
             f"elmo_np {elmo_np.__version__}, {kernels}"]
    return "; ".join(parts)


def processor() -> str:
    """The processor's name, family and model as the system gives them, and a core's caches."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "model name" not in fields:
        return platform.processor() or platform.machine()
    family, model = fields.get("cpu family", "?"), fields.get("model", "?")
    return f"{fields['model name']} (family {family}, model {model}{caches()})"


def caches() -> str:
    """', caches 48K, 2048K, ..' of the first core's data, nearest first; "" where the system does not say."""
    sizes = []
    for place in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (place / "type").read_text().strip() != "Instruction":
            sizes.append((place / "size").read_text().strip())
    return f", caches {', '.join(sizes)}" if sizes else ""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
