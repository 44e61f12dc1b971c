"""Training: from a corpus and settings to a run's directory, with checkpoints that resume bit for bit.

Start with `trainer.Trainer.run` and `_step`, the loop itself. Around it: `request` checks what is asked, `survey` reads
the corpus once and counts, `epoch_size` tells what there is to do, `checkpointing` saves and restores, `divergence`
recognises a training that has failed, `initial_model` makes what training starts from, `fine_tuning` takes it from
another model, `metrics` writes metrics.csv, `judgement` tells what validation says, and `messages` has what people read
meanwhile.
`row_groups` cuts a batch for several processes, `gradient_sum` adds up what they find, and `processes` is what they
exchange. `tuning` trains many models for a while, to find settings in a `search_space`.

A newcomer may change messages, the limits in `divergence` and `judgement`, and the rows per epoch, and add an optimiser
to `nn.optim` or a schedule to `trainer.learning_rate_at`, with a setting for it.
Frozen by files on disk: the columns of metrics.csv; in last.safetensors the names of tensors and texts in `state_dict`
and the fields of TrainingState in KEPT (a new field needs a default). The order in which random numbers are drawn is
frozen too, and that in which gradients are added: with another, a run that resumes no longer ends in the same bytes.
"""
