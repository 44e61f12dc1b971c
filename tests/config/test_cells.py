"""The cells: each has a name, a class and the settings that not every cell has."""

from importlib import import_module

import pytest

from elmo_np.config.cells import CELLS, OPTIONAL, Kind
from elmo_np.config.schema import BiLMConfig
from elmo_np.config.toml_files import override, preset, write_toml
from elmo_np.errors import UserError

VALUES = {"projection_dim": 4, "cell_clip": 3.0, "proj_clip": 2.0, "forget_bias": 1.0}


def test_a_path_leads_to_a_class() -> None:
    assert list(CELLS) == ["lstm", "gru"]
    for kind in CELLS.values():
        assert isinstance(kind.layer, str)
        module, _, name = kind.layer.rpartition(".")
        assert isinstance(getattr(import_module(module), name), type)


def test_a_file_without_a_cell_means_an_lstm() -> None:
    assert BiLMConfig().cell == "lstm"
    assert override(preset("demo"), ["cell=gru"]).model.cell == "gru"
    assert 'cell = "lstm" ' in write_toml(preset("demo"))


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_that_a_cell_does_not_have_is_refused(name: str) -> None:
    assert {*VALUES, *CELLS["gru"].settings} == set(OPTIONAL)
    BiLMConfig(cell="lstm", **{name: VALUES[name]})
    right = "0.0" if name == "forget_bias" else "none"
    with pytest.raises(UserError) as caught:
        BiLMConfig(cell="gru", **{name: VALUES[name]})
    assert str(caught.value) == (
        f"cell = gru with {name} = {VALUES[name]}: expected {name} = {right}, because this cell has no such part: set "
        "that, or set cell = lstm")


def test_all_settings_that_a_preset_has_for_another_cell_are_named_at_once() -> None:
    with pytest.raises(UserError, match=r"^cell = gru with projection_dim = 128, cell_clip = 3\.0, proj_clip = 3\.0: "
                                        "expected projection_dim = none, cell_clip = none, proj_clip = none, because"):
        override(preset("elmo-tiny"), ["cell=gru"])


def test_an_unknown_cell_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"^cell = 'grru': expected one of lstm, gru$"):
        BiLMConfig(cell="grru")


def test_a_cell_of_ones_own_is_a_choice_once_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CELLS, "mine", Kind(object, ("cell_clip",)))
    assert BiLMConfig(cell="mine", cell_clip=1.0).cell == "mine"
    with pytest.raises(UserError, match="cell = mine with projection_dim = 4"):
        BiLMConfig(cell="mine", projection_dim=4)
    with pytest.raises(UserError, match=r"cell = mine with weight_drop = 0\.5: expected weight_drop = 0\.0, because"):
        BiLMConfig(cell="mine", weight_drop=0.5)
