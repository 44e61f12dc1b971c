"""Old names: what the guide and the tutorials of 0.1 imported still works, with a warning that names the new place."""

import importlib
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import elmo_np
from elmo_np import _old_names

# Module: the names that the guide and the tutorials of 0.1 imported from it.
DOCUMENTED = {
    "adaptive_softmax": "AdaptiveSoftmax default_cutoffs tail_width",
    "batches": "sentence_batches stream_batches whole_sentences",
    "bilm": "BiLM",
    "bilm_tf_export": "_less_one",
    "characters": "BEHIND spelled",
    "charcnn": "CharCNN Highway convolve windows word_types",
    "config": "BiLMConfig preset replaced",
    "demo": "occurrences_of",
    "dropout": "dropout_backward dropout_forward",
    "elmo": "ELMo",
    "evaluate": "evaluate unigram_perplexity",
    "gradcheck": "EPSILON TOLERANCE central_difference check gradcheck",
    "gradient_cases": "CASES run",
    "grammar": "GrammarCorpus",
    "lstm": "LSTM lstm_backward lstm_forward sigmoid step",
    "neighbours": "same_label_share unit",
    "optim": "SGD Adam adam_update clip_scale global_norm sgd_update",
    "parallel": "one_blas_thread threads",
    "parameter": "parameters second_use zero_grad",
    "plots": "save",
    "predict": "sample score substitutes",
    "reach": "reach",
    "sampled_softmax": "SampledSoftmax draw log_expected",
    "shared_words": "forward backward",
    "softmax": "PADDING Softmax",
    "stop_words": "STOP_WORDS",
    "tasks.attention": "AdditiveAttention DotAttention",
    "tasks.baselines": "most_frequent_tags naive_bayes",
    "tasks.bleu": "available bleu",
    "tasks.builtin": "phrases",
    "tasks.classifier": "SentenceNetwork",
    "tasks.config": "TaskConfig",
    "tasks.crf": "CRF bio everything forward_scores marginals sequence_score",
    "tasks.data": "Examples Occurrence",
    "tasks.decoder": "Decoder",
    "tasks.encoder_decoder": "END START UNKNOWN EncoderDecoder Words padded read",
    "tasks.fit": "shuffled_groups",
    "tasks.invented": "spelled translated",
    "tasks.linear": "Linear cross_entropy cross_entropy_backward",
    "tasks.pictures": "confusion_matrix",
    "tasks.pooling": "pool pool_backward",
    "tasks.scores": "accuracy accuracy_by_word entity_scores spans",
    "tasks.search": "beam_search viterbi",
    "tasks.senses": "SenseNetwork WordSenses senses_of",
    "tasks.tagger": "TagNetwork bio_labels",
    "tasks.translator": "MARKS words_of",
    "text": "preprocess_text",
    "train": "train",
    "vectors": "LayerMix WordVector",
    "vocabulary": "Vocabulary",
    "words": "words_of",
}


@pytest.mark.parametrize(("module", "name"),
                         [(module, name) for module, names in DOCUMENTED.items() for name in names.split()])
def test_a_documented_name_is_the_new_one_and_warns(module, name):
    with pytest.warns(DeprecationWarning, match="the old name goes with the next version$") as caught:
        found = getattr(importlib.import_module(f"elmo_np.{module}"), name)
    place = re.match(rf"elmo_np\.{module}\.{name} is now (elmo_np\.[\w.]+)\.(\w+);", str(caught[0].message))
    assert found is vars(importlib.import_module(place[1]))[place[2]]


def test_every_old_module_has_a_documented_name():
    assert DOCUMENTED.keys() == _old_names.MODULES.keys()


@pytest.mark.parametrize("module", _old_names.MODULES)
def test_a_name_that_never_was_is_missing_as_anywhere(module):
    with pytest.raises(AttributeError, match=f"module elmo_np.{module} has no attribute 'nothing'"):
        importlib.import_module(f"elmo_np.{module}").nothing    # noqa: B018


def test_the_forms_of_import_that_0_1_showed_work_in_a_new_process():
    code = ("from elmo_np.lstm import LSTM, lstm_forward\nfrom elmo_np import gradient_cases, lstm, plots\n"
            "import elmo_np.vectors as vectors\nfrom elmo_np.config import preset\n"
            "from elmo_np.tasks.data import Examples\nfrom elmo_np.evaluate import evaluate\nimport elmo_np\n"
            "assert LSTM is lstm.LSTM is elmo_np.LSTM and evaluate is elmo_np.evaluate and callable(elmo_np.train)\n"
            "print(vectors.LayerMix.__name__, preset('article').train.optimizer, len(gradient_cases.CASES) > 15)\n")
    done = subprocess.run([sys.executable, "-W", "always::DeprecationWarning", "-c", code], capture_output=True,
                          text=True, check=True)
    assert done.stdout == "ScalarMix sgd True\n"
    assert "<string>:1: DeprecationWarning: elmo_np.lstm.LSTM is now elmo_np.nn.lstm.LSTM" in done.stderr


def test_public_functions_are_not_hidden_by_old_modules_of_their_name():
    for name in "evaluate", "gradcheck", "train":
        assert callable(getattr(elmo_np, name))


def test_looking_at_all_loaded_modules_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, module in list(sys.modules.items()):
            if name.startswith("elmo_np"):
                hasattr(module, "__file__")


def test_a_renamed_method_calls_the_new_one_and_warns():
    rng = np.random.default_rng(0)
    lstm, x = elmo_np.LSTM(3, 4, rng=rng), rng.normal(size=(5, 2, 3)).astype(np.float32)
    with pytest.warns(DeprecationWarning, match=r"^LSTM\.read is now LSTM\.forward_inference; the old name goes"):
        y, _ = lstm.read(x)
    np.testing.assert_array_equal(y, lstm.forward_inference(x)[0])


@pytest.mark.parametrize(("path", "old", "new"), _old_names.METHODS)
def test_every_renamed_method_exists_under_both_names(path, old, new):
    module, _, owner = path.rpartition(".")
    made = getattr(importlib.import_module(f"elmo_np.{module}"), owner)
    assert callable(getattr(made, new))
    assert old in vars(made)
