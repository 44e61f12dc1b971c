"""A model that is the same wherever it is trained."""

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.config.schema import BiLMConfig
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.nn.parameter import parameters
from elmo_np.tutorial import trained


@pytest.mark.parametrize("words", [{}, {"char_filters": ((1, 4), (3, 8)), "char_dim": 4, "max_characters": 12}],
                         ids=["by id", "by characters"])
def test_a_model_is_the_same_on_both_backends(words):
    if backend.why_not():
        pytest.skip(backend.why_not())
    sentences, found = list(GrammarCorpus(seed=0, sentences=200)), []
    for name in "numpy", "cython":
        with backend.use(name):
            elmo = trained(sentences, BiLMConfig(embedding_dim=8, hidden_dim=8, **words), epochs=2)
        found.append(parameters(elmo.model))
    for name, p in found[0].items():
        # 26 updates of at most 0.01, each right to some 1e-13 of itself but for what the updates before have changed
        np.testing.assert_allclose(p.value, found[1][name].value, rtol=0, atol=1e-11, err_msg=name)
    assert elmo.vectors([sentences[0]])[0].dtype == np.float64
