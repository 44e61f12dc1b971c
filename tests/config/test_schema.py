"""The settings: what fits together, and what a configuration can be used for."""

import dataclasses
from typing import Any

import pytest

from elmo_np.config.schema import FIELDS, TABLE_OF, BiLMConfig, Settings, TrainConfig
from elmo_np.errors import UserError


def test_a_configuration_cannot_be_changed_but_can_be_a_key() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BiLMConfig().layers = 2  # type: ignore[misc]
    assert {Settings(): 1}[Settings()] == 1


def test_the_output_is_the_projection_or_else_the_cell() -> None:
    assert BiLMConfig(hidden_dim=7).output_dim == 7
    assert BiLMConfig(hidden_dim=7, projection_dim=3).output_dim == 3


def test_a_shared_softmax_is_tied_to_a_shared_embedding() -> None:
    BiLMConfig(tie=True, share_softmax=True, share_embedding=True)
    with pytest.raises(UserError, match="share_embedding"):
        BiLMConfig(tie=True, share_softmax=True)


@pytest.mark.parametrize(("values", "message"), [
    ({"tie": True, "embedding_dim": 128},
     "tie = true with char_filters: expected tie = false, because a character CNN has no vector per word to tie "
     "the softmax to: set it, or set char_filters = none"),
    ({"max_characters": 5}, "char_filters has a filter of width 6, but max_characters = 5: expected filters no "
                            "wider than a word: change one of them"),
    ({"char_projection": False}, "char_projection = false with embedding_dim = 128: expected 10, the number of "
                                 "filters: set it, or set char_projection = true"),
])
def test_characters_fit_the_rest_of_the_model(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        BiLMConfig(char_filters=((1, 4), (6, 6)), **values)
    assert str(caught.value) == message


def test_tied_clusters_have_the_width_of_the_embedding() -> None:
    BiLMConfig(tie=True, softmax="adaptive")
    BiLMConfig(tie=True, div_value=2)
    with pytest.raises(UserError, match="tie = true with div_value = 2: expected 4, the default, because tied clust"):
        BiLMConfig(tie=True, softmax="adaptive", div_value=2)


def test_a_sampled_softmax_is_not_smoothed() -> None:
    BiLMConfig(label_smoothing=0.1, softmax="adaptive")
    with pytest.raises(UserError, match=r"label_smoothing = 0\.1 with softmax = sampled: expected 0, because a sample"):
        BiLMConfig(label_smoothing=0.1, softmax="sampled")


def test_no_key_is_in_two_tables_and_every_field_has_a_meaning() -> None:
    assert FIELDS.keys() == {"data", "model", "train"}
    assert len(TABLE_OF) == sum(len(fields) for fields in FIELDS.values())
    assert all(field.metadata["doc"] for fields in FIELDS.values() for field in fields.values())


def test_a_batch_that_no_memory_holds_is_refused() -> None:
    with pytest.raises(UserError, match=r"batch_size = 1000 with steps = 1000000: expected a product of at most"):
        TrainConfig(batch_size=1000, steps=10**6)
    assert TrainConfig(batch_size=1, steps=10**8).steps == 10**8
