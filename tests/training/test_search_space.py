"""What a search tries: every trial is different, the same seed draws the same ones, and any setting can be named."""

import pytest

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override, preset
from elmo_np.errors import UserError
from elmo_np.training.search_space import draw_trials, search_space


def test_without_names_learning_rate_size_and_dropout_are_searched_around_the_settings():
    assert search_space(preset("fast"), []) == {
        "learning_rate": ["0.5", "1", "2"], "hidden_dim": ["200", "300", "400"],
        "dropout": ["0", "0.15", "0.3", "0.45", "0.6"]}
    assert search_space(override(Settings(), ["hidden_dim=25"]), [])["hidden_dim"] == ["25", "37", "50"]


def test_any_setting_of_the_model_or_its_training_can_be_named_with_its_values():
    found = search_space(Settings(), ["momentum=0,0.9", "train.clip_norm=none, 5", "cell=lstm,gru", "tie=true"])
    assert found == {"momentum": ["0", "0.9"], "clip_norm": ["none", "5"], "cell": ["lstm", "gru"], "tie": ["true"]}


def test_the_values_of_a_setting_can_be_lists():
    space = search_space(Settings(), ["cutoffs=[10,20], none,[30]", "char_filters=[[1,4],[2,8]],[[1, 12]]"])
    assert space == {"cutoffs": ["[10,20]", "none", "[30]"], "char_filters": ["[[1,4],[2,8]]", "[[1, 12]]"]}
    trials = draw_trials(override(Settings(), ["softmax=adaptive"]), space, 100)
    assert {trial.settings.model.cutoffs for trial in trials} == {(10, 20), None, (30,)}
    assert {trial.settings.model.char_filters for trial in trials} == {((1, 4), (2, 8)), ((1, 12),), None}


@pytest.mark.parametrize(("given", "message"), [
    ("cutoffs=[10,20", r"cutoffs = '\[10,20': expected a list like \[10, 20\]"),
    ("cutoffs=10,20", "cutoffs = 10: expected a list like"),
    ("lr=1,2", "the nearest is 'train.learning_rate'"), ("dropout", "sets nothing: expected key=value"),
    ("dropout=", "expected a number of at least 0"), ("dropout=2", "expected a number of at least 0 and less than 1"),
    ("epochs=1,2",
     r"over='epochs=1,2' \(--over\): expected a setting of the model"),
    ("min_count=1,2", "over='min_count=1,2'"), ("seed=1,2", "over='seed=1,2'"),
    ("direction=forward,both", "in the same directions")])
def test_what_cannot_be_searched_is_refused(given, message):
    with pytest.raises(UserError, match=message):
        search_space(Settings(), [given])


def test_a_setting_named_twice_has_all_the_values():
    assert search_space(Settings(), ["dropout=0.1,0.2", "tie=true", "model.dropout=0.3"]) == {
        "dropout": ["0.1", "0.2", "0.3"], "tie": ["true"]}


def test_a_space_with_more_combinations_than_can_be_drawn_from_is_refused():
    space = {name: list(map(str, range(1, 1 << 10))) for name in ("hidden_dim", "embedding_dim", "samples", "layers",
                                                                  "batch_size", "steps", "div_value")}
    with pytest.raises(UserError, match=r"7 settings \(--over\) with up to 1,023 values: expected at most 2\^62"):
        draw_trials(Settings(), space, 2)


def test_the_first_trial_is_the_settings_themselves_and_all_are_different():
    base = preset("fast")
    space = search_space(base, [])
    trials = draw_trials(base, space, 20)
    assert [trial.number for trial in trials] == list(range(1, 21))
    assert (trials[0].settings, trials[0].changes, str(trials[0])) == (base, (), "no change")
    assert len({trial.settings for trial in trials}) == 20
    assert all(trial.settings == override(base, trial.changes) for trial in trials)
    assert all(change.split("=")[1] in space[change.split("=")[0]] for trial in trials for change in trial.changes)
    assert trials == draw_trials(base, space, 20)
    assert trials != draw_trials(override(base, ["seed=1"]), space, 20)


def test_a_small_space_is_tried_whole():
    base = preset("fast")           # whose dropout is 0.3
    trials = draw_trials(base, search_space(base, ["dropout=0.3,0.4,0.4,0.5"]), 100)
    assert sorted(trial.settings.model.dropout for trial in trials) == [0.3, 0.4, 0.5]


@pytest.mark.parametrize("number", [-1, 0, 1, 1001])
def test_a_search_has_two_trials_or_more(number):
    with pytest.raises(UserError, match=r"\(--trials\): expected 2 to 1,000"):
        draw_trials(Settings(), {"dropout": ["0", "0.1"]}, number)


def test_a_value_out_of_range_is_refused_before_anything_is_trained():
    with pytest.raises(UserError, match="dropout = 3"):
        draw_trials(Settings(), {"dropout": ["0", "3"]}, 5)
