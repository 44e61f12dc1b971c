"""Names of version 0.1 that have moved: they still work, with a DeprecationWarning, until the next version.

Of modules, those that the guide and the tutorials of 0.1 imported are kept: `from elmo_np.lstm import LSTM` finds
elmo_np.nn.lstm. An old module is an empty one in sys.modules, and looks its names up where they are now.
"""

import importlib
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

# Old module: where its names are now.
MODULES = {
    **{name: [f"nn.{name}"] for name in ("adaptive_softmax", "bilm", "characters", "dropout", "gradcheck", "lstm",
                                         "optim", "parameter", "sampled_softmax", "softmax")},
    **{name: [f"data.{name}"] for name in ("grammar", "stop_words", "text", "vocabulary")},
    **{name: [f"inference.{name}"] for name in ("elmo", "evaluate", "neighbours")},
    "batches": ["data.batches", "nn.bilm"],
    "bilm_tf_export": ["io.bilm_tf_writer"],
    "charcnn": ["nn.char_cnn"],
    "config": ["config.schema", "config.toml_files"],
    "demo": ["cli.demo", "inference.occurrences"],
    "gradient_cases": ["gradient_checks"],
    "parallel": ["runtime.threads"],
    "plots": ["viz.plots"],
    "predict": ["inference.evaluate", "inference.sampling", "inference.substitutes"],
    "reach": ["inference.gradient_reach"],
    "shared_words": ["nn.shared_char_cnn"],
    "train": ["training.trainer"],
    "vectors": ["nn.representation"],
    "words": ["inference.token_indexer"],
    **{f"tasks.{name}": [f"tasks.nn.{name}"] for name in ("attention", "crf", "decoder", "linear", "pooling",
                                                          "search")},
    **{f"tasks.{name}": [f"tasks.models.{name}"] for name in ("classifier", "config", "fit", "senses",
                                                              "tagger")},
    "tasks.translator": ["tasks.models.translator", "tasks.models.word_model"],
    **{f"tasks.{name}": [f"tasks.metrics.{name}"] for name in ("bleu", "scores")},
    "tasks.baselines": ["tasks.experiments.baselines"],
    "tasks.builtin": ["tasks.data.builtin"],
    "tasks.data": ["tasks.data.examples", "tasks.data.files"],
    "tasks.encoder_decoder": ["tasks.models.encoder_decoder", "tasks.models.fit"],
    "tasks.invented": ["tasks.data.synthetic_language"],
    "tasks.pictures": ["tasks.metrics.figures"],
}

# Old name, with its module where that decides: its name now, in the module where it is now.
NAMES = {"BEHIND": "CHAR_PAD", "Encoded": "EncodedCorpus", "KnownWords": "WordIndexer", "LayerMix": "ScalarMix",
         "MARKS": "SPECIAL_TOKENS",
         "PADDING": "IGNORE_INDEX", "Side": "DirectionBatch", "SpelledWords": "CharacterIndexer",
         "length_groups": "length_buckets", "put_values": "load_state_dict",
         "same_label_share": "nearest_neighbour_accuracy", "second_use": "shared_copy", "spelled": "to_char_ids",
         "tasks.encoder_decoder.Words": "SourceBatch", "tasks.encoder_decoder.read": "decoder_words",
         "tasks.translator.MARKS": "SPECIAL_TOKENS", "tasks.translator.words_of": "frequent_words",
         "turned": "reversed_sentences", "windows": "sentence_windows", "words_of": "token_indexer"}

# Class, old method, new method.
METHODS = [("nn.lstm.LSTM", "read", "forward_inference"),
           ("nn.language_model.LanguageModel", "read", "encode_inference"),
           ("nn.bilm.BiLM", "look_up", "lookup"), ("nn.bilm.BiLM", "collect", "reduce_grad"),
           ("nn.embedding.Embedding", "look_up", "lookup"), ("nn.char_cnn.CharCNN", "look_up", "lookup"),
           ("nn.parameter.Parameter", "second_use", "shared_copy"),
           ("nn.parameter.Parameter", "collect", "reduce_grad"),
           ("nn.parameter.Parameter", "touched", "nonzero_rows")]


def install(package: str) -> None:
    """Make the old names of `package` work."""
    for old, new in MODULES.items():
        name = f"{package}.{old}"
        if old in ("config", "tasks.data"):             # packages now
            module = importlib.import_module(name)
        else:
            module = sys.modules[name] = ModuleType(name, f"Moved to {' and '.join(new)}.")
        vars(module)["__getattr__"] = _finder(package, old, new)
    for path, old, new_method in METHODS:
        module_name, _, class_name = path.rpartition(".")
        owner = getattr(importlib.import_module(f"{package}.{module_name}"), class_name)
        setattr(owner, old, _method(class_name, old, new_method))


def _finder(package: str, old: str, homes: list[str]) -> Callable[[str], Any]:
    """The `__getattr__` of an old module."""

    def find(name: str) -> Any:
        if not name.startswith("__"):
            for home in homes:
                module = importlib.import_module(f"{package}.{home}")
                for now in (name, NAMES.get(f"{old}.{name}"), NAMES.get(name)):
                    if now is not None and now in vars(module):
                        warnings.warn(f"{package}.{old}.{name} is now {package}.{home}.{now}; the old name goes with "
                                      "the next version", DeprecationWarning, stacklevel=2)
                        return getattr(module, now)
        raise AttributeError(f"module {package}.{old} has no attribute {name!r}")
    return find


def _method(owner: str, old: str, new: str) -> Callable[..., Any]:
    """The old method of a class, which calls the new one."""

    def call(self: Any, *args: Any, **options: Any) -> Any:
        warnings.warn(f"{owner}.{old} is now {owner}.{new}; the old name goes with the next version",
                      DeprecationWarning, stacklevel=2)
        return getattr(self, new)(*args, **options)
    call.__name__ = old
    return call
