"""Which sources the kernels were compiled from: setup.py stores this digest in the extension; the tests compare it."""

import hashlib
from pathlib import Path


def source_digest(directory):
    """SHA-256 of the names and contents of the kernels' sources in `directory`, whatever ends their lines."""
    digest = hashlib.sha256()
    for path in sorted(Path(directory).iterdir()):
        if path.suffix in (".pyx", ".pxi", ".h"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()
