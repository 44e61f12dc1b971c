"""Small models that other programs wrote: make.py tells how."""

from pathlib import Path

BILM_TF, TORCH = Path(__file__).parent / "bilm_tf", Path(__file__).parent / "torch"
