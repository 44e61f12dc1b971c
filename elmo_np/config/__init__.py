"""Settings: their types, defaults and limits (schema), TOML files and overrides (toml_files), and the presets.

A newcomer may add a setting: one line in `schema`, with a default that gives the same bits as before, a limit and a
sentence that config.toml and the report show. A preset is a file in presets/.

Frozen: the names, meanings and defaults of existing settings, because every run directory has a config.toml and every
model file contains its settings.
"""
