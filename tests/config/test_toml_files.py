"""Settings in text: what is written reads back as the same settings, and mistakes name the nearest right thing."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_np.config.cells import CELLS, OPTIONAL
from elmo_np.config.fields import Pairs, Rising, kind_of, optional
from elmo_np.config.schema import FIELDS, BiLMConfig, DataConfig, Settings, TrainConfig
from elmo_np.config.toml_files import from_json, override, preset, read_toml, replaced, to_json, write_toml
from elmo_np.errors import UserError

quick = settings(derandomize=True, deadline=None, max_examples=100)
PRESETS = ["article", "demo", "fast", "small"]
KINDS = {"data": DataConfig, "model": BiLMConfig, "train": TrainConfig}


def values_of(field: dataclasses.Field[Any]) -> st.SearchStrategy[Any]:
    """Any value that a field allows."""
    limits = field.metadata["limits"]
    kind = kind_of(field)
    if kind == Pairs:
        pairs = st.tuples(st.integers(1, 50), st.integers(1, 2**63 - 1))
        return st.none() | st.lists(pairs, min_size=1, max_size=4).map(tuple)
    if kind is bool:
        values: st.SearchStrategy[Any] = st.booleans()
    elif kind is str:
        choices = field.metadata["choices"]
        values = st.sampled_from([*choices]) if choices else words()
    elif kind is int:
        values = st.integers(limits["at_least"], limits.get("at_most", 2**63 - 1))
    elif kind == Rising:
        numbers = st.integers(limits["at_least"], 2**63 - 1)
        values = st.lists(numbers, min_size=1, unique=True).map(lambda given: tuple(sorted(given)))
    else:
        low, high = limits.get("at_least", limits.get("above")), limits.get("less_than", limits.get("at_most"))
        low, high = -1e30 if low is None else low, 1e30 if high is None else high
        values = st.floats(low, high, exclude_min="above" in limits, exclude_max="less_than" in limits,
                           allow_nan=False, allow_infinity=False)
    return st.none() | values if optional(field) else values


def words() -> st.SearchStrategy[str]:
    """Text for a field without choices; "none" is how a file writes None, so it cannot be a word there."""
    return st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text != "none")


def toml(value: object) -> str:
    """JSON is TOML but for two things: TOML has no surrogate pairs, and it escapes DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def one_line(error: UserError) -> None:
    assert len(str(error).splitlines()) == 1


def tables(name: str) -> st.SearchStrategy[Any]:
    fields = {key: values_of(field) for key, field in FIELDS[name].items()}
    return st.fixed_dictionaries(fields).map(consistent).map(lambda values: KINDS[name](**values))


def consistent(values: dict[str, Any]) -> dict[str, Any]:
    if "cell" in values:
        values |= {key: FIELDS["model"][key].default for key in OPTIONAL if key not in CELLS[values["cell"]].settings}
    if values.get("softmax") == "sampled":
        values["label_smoothing"] = 0.0
    if values.get("tie"):
        values["div_value"] = 4
        values["share_softmax"] = values["share_softmax"] and values["share_embedding"]
        values["char_filters"] = None
    if values.get("char_filters"):
        values["max_characters"] = max(values["max_characters"], 50)
        values["char_projection"] = True
    if "steps" in values:       # a batch that fits into memory
        values["batch_size"], values["steps"] = 1 + values["batch_size"] % 1000, 1 + values["steps"] % 1000
        values["weight_decay"] = min(values["weight_decay"], 0.5 / values["learning_rate"])
        values["groups"] = 1 << values["groups"] % values["batch_size"].bit_length()
        values["random_steps"] = values["random_steps"] and values["state"] == "carry"
    if "unknown" in values:
        values["unknown"] = "".join((values["unknown"] or "").split()) or None
    return values


def all_settings() -> st.SearchStrategy[Settings]:
    return st.builds(Settings, tables("data"), tables("model"), tables("train"))
RISING_EXPECTED = "expected a list like [10, 20] of rising whole numbers, each of at least 1, or none"


def test_filters_are_pairs_however_they_are_written() -> None:
    wanted = ((1, 4), (2, 8))
    assert BiLMConfig(char_filters=[[1, 4], [2, np.int64(8)]]).char_filters == wanted  # type: ignore[arg-type]
    assert override(Settings(), ["char_filters=[[1, 4], [2, 8]]"]).model.char_filters == wanted
    assert override(Settings(), ["char_filters=none"]).model.char_filters is None


def test_the_presets_are_what_their_sources_say() -> None:
    assert preset("article") == Settings(
        DataConfig(),
        BiLMConfig(embedding_dim=128, hidden_dim=128, layers=1),
        TrainConfig(epochs=10, batch_size=32, optimizer="sgd", learning_rate=0.01, momentum=0.9, nesterov=True),
    )
    assert preset("small") == Settings(
        DataConfig(),
        BiLMConfig(embedding_dim=200, hidden_dim=200, layers=2, init_scale=0.1),
        TrainConfig(epochs=13, batch_size=20, steps=20, learning_rate=1.0, decay=0.5, decay_after=4, clip_norm=5.0,
                    loss_scale="steps", state="carry", streams="contiguous"),
    )
    small = preset("small")
    assert preset("fast") == Settings(
        DataConfig(),
        dataclasses.replace(small.model, softmax="adaptive", dropout=0.3),
        dataclasses.replace(small.train, epochs=6, decay_after=2),
    )
    assert preset("best") == Settings(
        DataConfig(),
        BiLMConfig(embedding_dim=650, hidden_dim=650, layers=2, dropout=0.5, init_scale=0.05),
        dataclasses.replace(small.train, epochs=39, steps=35, decay=1 / 1.2, decay_after=6, patience=5),
    )
    assert preset("demo") == Settings(
        DataConfig(min_count=2),
        BiLMConfig(embedding_dim=128, hidden_dim=128, layers=1, init_scale=0.2),
        TrainConfig(epochs=2, batch_size=32, shuffle=20_000, steps=20, optimizer="adam", learning_rate=3e-3,
                    clip_norm=5),
    )


def test_the_preset_elmo_is_the_original_and_the_tiny_one_differs_in_sizes_alone() -> None:
    elmo, tiny = preset("elmo"), preset("elmo-tiny")
    assert elmo == Settings(
        DataConfig(min_count=3, max_vocabulary=793_471),
        BiLMConfig(embedding_dim=512, hidden_dim=4096, projection_dim=512, layers=2, residual=True, cell_clip=3,
                   proj_clip=3, share_embedding=True, share_softmax=True, softmax="sampled", samples=8192, dropout=0.1,
                   char_filters=((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024)), char_highways=2),
        TrainConfig(epochs=10, batch_size=384, steps=20, optimizer="adagrad", learning_rate=0.2, clip_norm=10,
                    loss_scale="elmo", state="carry", streams="shared", shuffle=100_000),
    )
    sizes = {"embedding_dim", "char_filters", "char_highways", "hidden_dim", "projection_dim", "samples"}
    for one, other in ((elmo.model, tiny.model), (elmo.train, tiny.train)):
        differ = {key for key, value in dataclasses.asdict(one).items() if getattr(other, key) != value}
        assert differ <= sizes | {"batch_size", "shuffle"}


def test_an_unknown_preset_names_the_nearest_and_all() -> None:
    expected = "'artcle': expected one of article, best, demo, elmo, elmo-tiny, fast, small; the nearest is 'article'"
    with pytest.raises(UserError, match=expected):
        preset("artcle")


@pytest.mark.parametrize(("given", "nearest"), [("Demo", "demo"), ("ELMO", "elmo"), ("Elmo-Tiny", "elmo-tiny")])
def test_upper_and_lower_case_are_the_same_to_a_suggestion(given: str, nearest: str) -> None:
    with pytest.raises(UserError, match=f"the nearest is '{nearest}'$"):
        preset(given)


@pytest.mark.parametrize(("given", "nearest"), [
    ("lr", "train.learning_rate"), ("LR", "train.learning_rate"), ("batch", "train.batch_size"),
    ("vocab_size", "data.max_vocabulary"), ("seq_len", "train.steps"), ("epoch", "train.epochs"),
    ("Hidden_Dim", "model.hidden_dim"), ("hidden_size", "model.hidden_dim"), ("num_layers", "model.layers"),
    ("train.lr", "train.learning_rate"), ("clip", "train.clip_norm")])
def test_a_setting_by_another_name_leads_to_its_own(given: str, nearest: str) -> None:
    with pytest.raises(UserError) as caught:
        override(Settings(), [f"{given}=1"])
    assert str(caught.value) == f"unknown setting '{given}': the nearest is '{nearest}'"


def test_replaced_reaches_every_table_and_names_the_nearest_setting() -> None:
    found = replaced(Settings(), epochs=3, hidden_dim=7, min_count=2)
    assert (found.train.epochs, found.model.hidden_dim, found.data.min_count) == (3, 7, 2)
    with pytest.raises(UserError, match=r"^unknown setting 'epoch': the nearest is 'train\.epochs'$"):
        replaced(preset("demo"), epoch=3)
    with pytest.raises(UserError, match=r"^epochs = 0: expected a whole number of at least 1$"):
        replaced(preset("demo"), epochs=0)


@pytest.mark.parametrize("name", ["", "../presets/demo", "demo.toml"])
def test_a_preset_is_a_name_not_a_path(name: str) -> None:
    with pytest.raises(UserError, match="unknown preset"):
        preset(name)


@quick
@given(all_settings(), st.sampled_from(PRESETS))
def test_what_write_toml_writes_reads_back_on_any_base(
    tmp_path_factory: pytest.TempPathFactory, wanted: Settings, base: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "config.toml"
    path.write_text(write_toml(wanted), encoding="utf-8")
    assert read_toml(path, preset(base)) == wanted


@pytest.mark.parametrize("corpus", ["a b.txt", "C:\\texts\\a.txt", 'say "a" # not.txt', "Zürich.txt",
                                    "\U0001f600.txt", "a\x7fb.txt", "a\nb.txt"])
def test_a_file_name_of_any_characters_is_written_and_read_back(tmp_path: Path, corpus: str) -> None:
    wanted = Settings(DataConfig(corpus=corpus))
    (tmp_path / "c.toml").write_text(write_toml(wanted), encoding="utf-8")
    assert read_toml(tmp_path / "c.toml", Settings()) == wanted


@quick
@given(all_settings())
def test_json_reads_back_and_is_one_sorted_line(wanted: Settings) -> None:
    for part in (wanted, wanted.data, wanted.model, wanted.train):
        assert from_json(type(part), to_json(part)) == part
        assert "\n" not in to_json(part)
    assert "cell" not in json.loads(to_json(BiLMConfig()))      # as 0.1 wrote it: the same bytes, and 0.1 reads them
    assert json.loads(to_json(BiLMConfig(cell="gru")))["cell"] == "gru"
    assert to_json(BiLMConfig()).startswith('{"cell_clip":null,"char_activation":"relu","char_dim":16,')


@quick
@given(all_settings())
def test_overrides_written_as_key_value_give_the_same_settings(wanted: Settings) -> None:
    values = {f"{table}.{name}": getattr(getattr(wanted, table), name) for table in FIELDS for name in FIELDS[table]}
    lines = [f"{key}={toml('none' if value is None else value)}" for key, value in values.items()]
    assert override(Settings(), lines) == wanted


@quick
@given(st.text())
def test_any_text_is_settings_or_a_user_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for attempt in (lambda: read_toml(path, Settings()), lambda: override(Settings(), [text, f"dropout={text}"]),
                    lambda: from_json(Settings, text), lambda: from_json(BiLMConfig, text)):
        try:
            attempt()
        except UserError as error:
            one_line(error)


def test_a_field_that_an_older_version_did_not_know_gets_its_default() -> None:
    assert from_json(BiLMConfig, '{"layers":3}') == BiLMConfig(layers=3)
    with pytest.raises(UserError, match=r"'model.layer': the nearest is 'model.layers'"):
        from_json(BiLMConfig, '{"layer":3}')
    with pytest.raises(UserError, match="not JSON"):
        from_json(BiLMConfig, "{")


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbf[train]\r\nepochs = 3 # few\r\nclip_norm = 'none'\r\n")
    small = preset("small")
    wanted = dataclasses.replace(small, train=dataclasses.replace(small.train, epochs=3, clip_norm=None))
    assert read_toml(tmp_path / "c.toml", small) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[model]\nlayers = = 2", r"c\.toml is not TOML: .*line 2"),
        ("[model]\n\xff", r"c\.toml is not TOML: "),
        ("a = " + "[" * 5000, r"c\.toml is not TOML: "),
        ("a." * 1001 + "a = 1", r"c\.toml is not TOML: more than 1000 dots"),
        ("[" + "'a'." * 1001 + "a]", r"c\.toml is not TOML: more than 1000 dots"),
        ("[data]\nx = {" + '"..".' * 1001 + "a = 1} # .", r"c\.toml is not TOML: more than 1000 dots"),
        ("a = " + "9" * 5000, r"c\.toml is not TOML: "),
        ("[modle]\nlayers = 2", r"c\.toml: unknown table 'modle': expected \[data\], \[model\] or \[train\]; the near"),
        ("layers = 2", r"c\.toml: unknown table 'layers': .*; put it below \[model\]"),
        ("model = 2", r"c\.toml: model = 2: expected a table \[model\]"),
        ("corpus = 'a.txt'", r"c\.toml: unknown table 'corpus': .*; put it below \[data\]"),
        ("[train]\nmin_count = 2", r"c\.toml: unknown setting 'train.min_count': the nearest is 'data.min_count'"),
        ("[data]\ncorpus = 3", r"c\.toml: corpus = 3: expected a word, or none"),
        ("[model]\nlayer = 2", r"c\.toml: unknown setting 'model.layer': the nearest is 'model.layers'"),
        ("[train]\ndropout = 0.1", r"c\.toml: unknown setting 'train.dropout': the nearest is 'model.dropout'"),
        ("[train]\nepochs = 2024-01-01", r"c\.toml: epochs = datetime.date\(2024, 1, 1\): expected a whole number"),
        ("[train]\nepochs = 'none'", r"c\.toml: epochs = 'none': expected a whole number of at least 1"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=message) as caught:
        read_toml(tmp_path / "c.toml", Settings())
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for place in (tmp_path / "no.toml", tmp_path):
        with pytest.raises(UserError, match=r"^cannot read .*; expected a TOML file: check it$"):
            read_toml(place, Settings())


def test_overrides_take_toml_values_bare_words_and_none() -> None:
    result = override(preset("small"), ["epochs=3", "train.optimizer=adam", "streams = 'shared'", "model.tie=true",
                                        "clip_norm=none", "learning_rate=.5", "dropout=1e-1", "epochs=4"])
    assert (result.train.epochs, result.train.optimizer, result.train.streams) == (4, "adam", "shared")
    assert (result.train.clip_norm, result.train.learning_rate) == (None, 0.5)
    assert (result.model.tie, result.model.dropout, result.model.hidden_dim) == (True, 0.1, 200)


def test_overrides_reach_the_data_table() -> None:
    data = override(Settings(), ["corpus=pydoc", "data.valid='held out.txt'", "tokenize=true", "min_count=3",
                                 "max_vocabulary=none"]).data
    assert data == DataConfig(corpus="pydoc", valid="held out.txt", tokenize=True, min_count=3)


def test_overrides_take_a_list_in_brackets() -> None:
    model = override(Settings(), ["softmax=adaptive", "cutoffs=[2000, 6000]", "div_value=2"]).model
    assert model == BiLMConfig(softmax="adaptive", cutoffs=(2000, 6000), div_value=2)


def test_overrides_that_belong_together_are_checked_together() -> None:
    assert override(Settings(), ["share_softmax=true", "tie=true", "share_embedding=true"]).model.tie


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epochs", "'epochs' sets nothing: expected key=value, for example epochs=3"),
        ("epochz=3", "unknown setting 'epochz': the nearest is 'train.epochs'"),
        ("train.dropout=0", "unknown setting 'train.dropout': the nearest is 'model.dropout'"),
        ("trian.epochs=3", "unknown table 'trian': expected [data], [model] or [train]; the nearest is [train]"),
        ("corpu=a.txt", "unknown setting 'corpu': the nearest is 'data.corpus'"),
        ("max_vocabulary=3", "max_vocabulary = 3: expected a whole number of at least 4, or none"),
        ("epochs=three", "epochs = 'three': expected a whole number of at least 1"),
        ("epochs=", "epochs = '': expected a whole number of at least 1"),
        ("epochs=none", "epochs = 'none': expected a whole number of at least 1"),
        ("tie=True", "tie = 'True': expected true or false"),
        ("cutoffs=2000,6000", f"cutoffs = '2000,6000': {RISING_EXPECTED}"),
        ("dropout=nan", "dropout = nan: expected a number of at least 0 and less than 1"),
        ("dropout=0\nlayers=2", r"dropout = '0\nlayers=2': expected a number of at least 0 and less than 1"),
    ],
)
def test_a_wrong_override_says_what_was_expected(assignment: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        override(Settings(), [assignment])
    assert str(caught.value) == message


def test_dots_in_texts_and_comments_are_not_those_of_names(tmp_path):
    corpus = ":".join(f"part.{k}.txt" for k in range(1000))
    path = tmp_path / "c.toml"
    path.write_text(f'[data]\ncorpus = "{corpus}"  # {"." * 2000} it\'s\nvalid = \'{corpus}\'\n')
    assert read_toml(path, Settings()).data == DataConfig(corpus=corpus, valid=corpus)
