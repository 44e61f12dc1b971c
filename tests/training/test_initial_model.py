"""initial_model: what a training starts from; a model too large for the machine is refused before it is drawn."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.config.toml_files import override, replaced
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.nn.adaptive_softmax import training_cutoffs
from elmo_np.nn.parameter import parameters
from elmo_np.training.initial_model import cutoffs_of, new_elmo, vocabulary_of
from elmo_np.training.survey import Survey
from tests.training_helpers import CORPUS


def stored(words=("a", "b"), **settings):
    return SimpleNamespace(config=BiLMConfig(softmax="adaptive", **settings), vocabulary=Vocabulary.build([words]))


def test_cutoffs_are_those_asked_for_of_the_last_save_of_the_base_or_chosen():
    settings = override(Settings(), ["softmax=adaptive"])
    base, last = stored(cutoffs=(3, 6)), stored(cutoffs=(4, 8))
    assert cutoffs_of(override(settings, ["cutoffs=[5]"]), base, last, 50_000) == (5,)
    assert cutoffs_of(settings, base, last, 50_000) == (4, 8)
    assert cutoffs_of(settings, base, None, 50_000) == (3, 6)
    chosen = training_cutoffs(50_000)
    assert cutoffs_of(settings, stored(cutoffs=(3, 6), predict=False), None, 50_000) == chosen      # a new softmax
    assert cutoffs_of(settings, None, None, 50_000) == chosen
    assert cutoffs_of(Settings(), base, last, 50_000) is None                                       # a full softmax


def test_words_are_those_that_the_arrays_of_the_base_are_tied_to_or_those_of_the_corpus():
    survey = Survey(BiLMConfig())
    list(survey.counting([["b", "c", "c"]]))
    filters = ((1, 128),)
    assert vocabulary_of(Settings(), stored(), None, survey).words[3:] == ["a", "b"]
    assert vocabulary_of(Settings(), stored(char_filters=filters, predict=False), None, survey).words[3:] == ["c", "b"]
    assert vocabulary_of(Settings(), None, None, survey).words[3:] == ["c", "b"]


def test_the_seed_draws_the_weights():
    vocabulary = Vocabulary.build(CORPUS)
    one, same, other = (parameters(new_elmo(replaced(Settings(), hidden_dim=4, embedding_dim=4, seed=seed),
                                            vocabulary).model) for seed in (1, 1, 2))
    assert all(np.array_equal(one[name].value, same[name].value) for name in one)
    assert not all(np.array_equal(one[name].value, other[name].value) for name in one)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell how much memory there is")
@pytest.mark.parametrize("sizes", [{"hidden_dim": 10**6}, {"embedding_dim": 10**18}, {"char_filters": [[1, 10**12]]}])
def test_a_model_that_the_memory_cannot_hold_is_refused_before_it_is_drawn(sizes):
    with pytest.raises(UserError, match=r"the model would have [\d,]+ values and need [\d,.]+ GB with their gradients"):
        new_elmo(replaced(Settings(), **sizes), Vocabulary.build(CORPUS))
