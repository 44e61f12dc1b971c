"""unread: a setting that changes nothing without another is named with that other, one that is read is not."""

import pytest

from elmo_np.config.schema import TABLE_OF, Settings, TrainConfig
from elmo_np.config.toml_files import override, preset
from elmo_np.config.unread import unread
from elmo_np.nn.averaging import stopped_improving


@pytest.mark.parametrize(("names", "other", "need"), [
    (["char_dim", "char_activation", "char_highways", "char_projection", "max_characters"], "char_filters=[[1, 128]]",
     "char_filters"), (["share_embedding", "share_softmax"], "direction=both", "direction = both"),
    (["proj_clip"], "projection_dim=8", "projection_dim"), (["residual"], "layers=2", "a second layer"),
    (["samples"], "softmax=sampled", "softmax = sampled"), (["cutoffs", "div_value"], "softmax=adaptive", "softmax = "
     "adaptive"), (["locked_dropout"], "output_dropout=0.1", "a dropout"), (["steps", "streams"], "state=carry",
     "state = carry"), (["momentum"], "optimizer=sgd", "optimizer = sgd"),
    (["decay_after"], "decay=0.5", "a decay below 1"), (["average_decay"], "average=ema", "average = ema"),
    (["average_wait"], "average=asgd", "average = asgd"), (["held_out"], "valid=none", "sentences held out, as a "
                                                           "validation text is given")])
def test_a_setting_that_changes_nothing_without_another_is_named_with_it(names, other, need):
    base = override(Settings(), ["direction=forward", "state=reset", "optimizer=adam", "valid=text"])
    assert {name: unread(base)[name] for name in names} == dict.fromkeys(names, need)
    assert not unread(override(base, [other])).keys() & set(names)


@pytest.mark.parametrize(("name", "given", "other", "need"), [
    ("nesterov", ["nesterov=true"], "momentum=0.9", "a momentum above 0"),
    ("nesterov", ["nesterov=true", "momentum=0.9", "optimizer=adam"], "optimizer=sgd", "optimizer = sgd"),
    ("dropout", ["dropout=0.5", "input_dropout=0", "output_dropout=0.1"], "layers=2",
     "a second layer, as input_dropout and output_dropout are set"),
    ("decay", ["decay=0.5", "decay_after=6", "epochs=6"], "epochs=7", "more than 6 epochs (decay_after)"),
    ("average", ["average=asgd", "epochs=7"], "epochs=8", "more than 7 epochs (average_wait + 2)")])
def test_a_setting_that_another_leaves_nothing_to_do_is_named_with_it(name, given, other, need):
    base = override(Settings(), given)
    assert unread(base)[name] == need
    assert name not in unread(override(base, [other]))


def test_the_mean_of_nt_asgd_begins_too_late_for_any_losses_where_average_is_unread():
    losses = [1.0, *[2.0] * 20]
    first = next(k for k in range(1, 20) if stopped_improving(losses[:k], TrainConfig.average_wait))
    settings = [override(Settings(), ["average=asgd", f"epochs={epochs}"]) for epochs in (first, first + 1)]
    assert ["average" in unread(one) for one in settings] == [True, False]


def test_everything_that_is_named_is_a_setting_and_a_preset_of_characters_reads_most():
    assert set(unread(Settings())) <= set(TABLE_OF)
    assert unread(preset("elmo")).keys() <= {"cutoffs", "div_value", "momentum", "nesterov", "decay_after", "streams",
                                             "average_decay", "average_wait", "locked_dropout"}
