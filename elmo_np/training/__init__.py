"""Training of a biLM: the loop (trainer), its state on disk (checkpointing), metrics.csv (metrics), and fine_tuning.

A newcomer may add an optimiser to `nn.optim` or a schedule to `trainer.learning_rate_at`, with a setting for it.

Frozen, because runs in progress depend on it: the names of arrays and the fields of the state in last.safetensors, the
columns of metrics.csv, and the order of random draws. A run that is resumed gives the same bits as one that was never
stopped; tests/training/test_checkpointing.py checks it.
"""
