"""Configuration: every setting with its meaning, default and range, and the text forms it is read from.

Start with `schema`, the settings themselves; `cells` lists the recurrent cells, `fields` checks settings, `toml_files`
reads and writes them, `unread` knows which change nothing without another, and presets/ holds sets of settings under a
name.

A newcomer may change: the meanings, elmo_np's own presets (demo, fast, elmo-tiny), the suggestions for a mistyped name;
and may add a setting, with a default that does what was done before.
Frozen by files on disk: the names of settings, their types and their defaults. Model files and config.toml of older
runs hold them, and a setting that a file lacks gets its default. The presets article, small and elmo follow their
sources.
"""
