"""The one settings model: whatever a settings class can hold comes back from JSON and TOML, and errors keep values."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import pickle
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.config.model import (
    REQUIRED,
    Setting,
    fields_of,
    from_json,
    from_mapping,
    from_options,
    from_toml,
    json_schema,
    read_settings,
    to_json,
)
from bondstore.config.secrets import SecretRef
from bondstore.errors import BondstoreError, ConfigurationError, NotFoundError, UsageError

CANARY = "canary-71-secret"
unhurried = settings(deadline=None)  # the first example loads pydantic


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def _lower(text: str) -> str:
    if not text.isascii():
        raise UsageError("The word has letters outside a to z.", hint="Write it in a to z.")
    return text.lower()


@dataclass(frozen=True, slots=True)
class Inner:
    size: Annotated[int, Setting("How large.", at_least=0, at_most=100)]
    share: Annotated[float, Setting("Of all.", above=0)] = 0.5


@dataclass(frozen=True, slots=True)
class Everything:
    """One field of every type."""

    inner: Annotated[Inner, Setting("Settings inside.")]
    word: Annotated[str, Setting("A word.", check=_lower)] = "x"
    whole: Annotated[int, Setting()] = 1
    real: Annotated[float, Setting()] = 1.5
    switch: Annotated[bool, Setting()] = False
    maybe: Annotated[bool | None, Setting()] = None
    day: Annotated[datetime.date | None, Setting()] = None
    at: Annotated[datetime.datetime | None, Setting()] = None
    path: Annotated[Path, Setting()] = Path("here")
    choice: Annotated[Literal["fast", "careful"], Setting()] = "fast"
    colour: Annotated[Colour, Setting()] = Colour.RED
    key: Annotated[SecretRef | None, Setting()] = None
    names: Annotated[tuple[str, ...], Setting()] = ()
    pair: Annotated[tuple[int, float], Setting()] = (1, 2.0)
    parts: tuple[Inner, ...] = ()
    by_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inside: Mapping[str, Inner] = field(default_factory=dict)
    where: Annotated[str, Setting(internal=True)] = "nowhere"

    def __post_init__(self) -> None:
        if self.whole == 13 and self.switch:
            raise UsageError("13 cannot be switched.", hint="Leave one out.")


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
INNER = st.builds(
    Inner, st.integers(0, 100), st.floats(0, 1e9, exclude_min=True, allow_nan=False, allow_infinity=False)
)
EVERYTHING = st.builds(
    Everything,
    inner=INNER,
    word=st.text("abcdefgh"),
    whole=st.integers(-(2**63), 2**63).filter(lambda number: number != 13),
    real=st.floats(allow_nan=False, allow_infinity=False),
    switch=st.booleans(),
    maybe=st.none() | st.booleans(),
    day=st.none() | st.dates(),
    at=st.none() | st.datetimes(timezones=st.just(datetime.UTC)),
    path=TEXTS.map(Path),
    choice=st.sampled_from(["fast", "careful"]),
    colour=st.sampled_from(Colour),
    key=st.none()
    | st.sampled_from([SecretRef.parse("env:X"), SecretRef.parse("keyring:a/b"), SecretRef("prompt", "")]),
    names=st.lists(TEXTS).map(tuple),
    pair=st.tuples(st.integers(0, 9), st.floats(0, 1)),
    parts=st.lists(INNER, max_size=3).map(tuple),
    by_name=st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2).map(tuple), max_size=3),
    inside=st.dictionaries(TEXTS, INNER, max_size=2),
)


@unhurried
@given(EVERYTHING)
def test_settings_come_back_from_json_text(one: Everything) -> None:
    again = from_json(Everything, json.loads(json.dumps(to_json(one))))
    assert again == one
    assert [type(value) for value in shallow(again)] == [type(value) for value in shallow(one)]
    assert to_json(again) == to_json(one)


@unhurried
@given(EVERYTHING)
def test_settings_come_back_from_a_pickle(one: Everything) -> None:
    assert pickle.loads(pickle.dumps(one)) == one


def shallow(one: Everything) -> list[Any]:
    return [getattr(one, field.name) for field in dataclasses.fields(one)]


def test_settings_are_read_from_toml(tmp_path: Path) -> None:
    text = """\
word = "LOUD"
real = 2
day = 2024-01-31
at = 2024-01-31T12:00:00Z
path = "a/b"
choice = "careful"
colour = "blue"
key = "file:keys/one"
names = ["a", "b"]
pair = [3, 4]
[inner]
size = 7
[[parts]]
size = 8
[by_name]
one = ["x"]
"""
    file = tmp_path / "settings.toml"
    file.write_text(text)
    assert read_settings(Everything, file, option="--settings") == Everything(
        Inner(7),
        word="loud",
        real=2.0,
        day=datetime.date(2024, 1, 31),
        at=datetime.datetime(2024, 1, 31, 12, tzinfo=datetime.UTC),
        path=Path("a/b"),
        choice="careful",
        colour=Colour.BLUE,
        key=SecretRef("file", str(tmp_path / "keys" / "one")),
        names=("a", "b"),
        pair=(3, 4.0),
        parts=(Inner(8),),
        by_name={"one": ("x",)},
    )
    with pytest.raises(NotFoundError, match="--settings"):
        read_settings(Everything, tmp_path / "gone.toml", option="--settings")
    file.write_bytes(b"word = '\xff'")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        read_settings(Everything, file, option="--settings")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"wrod": CANARY}, "here: there is no setting 'wrod'.", "Did you mean word?"),
    ({"where": CANARY}, "here: there is no setting 'where'.", "Did you mean whole?"),
    ({"inner": {"size": 1, "shore": CANARY}}, "here: inner: there is no setting 'shore'.", "Did you mean share?"),
    ({"parts": [{"siz": 1}]}, "here: parts[0]: there is no setting 'siz'.", "Did you mean size?"),
    ({"inner": CANARY}, "here: inner has a wrong value.", "It must be a table."),
    ({"inner": {"size": CANARY}}, "here: inner.size has a wrong value.", "It must be a whole number from 0 up to 100."),
    ({"inner": {"size": 101}}, "here: inner.size has a wrong value.", "It must be a whole number from 0 up to 100."),
    ({"inner": {"size": 1, "share": 0}}, "here: inner.share has a wrong value.", "It must be a number above 0."),
    ({"inner": {"size": True}}, "here: inner.size has a wrong value.", "It must be a whole number"),
    ({"inner": {"size": 1.0}}, "here: inner.size has a wrong value.", "It must be a whole number"),
    ({"inner": {}}, "here: inner.size is not set.", "It must be a whole number"),
    ({"real": CANARY}, "here: real has a wrong value.", "It must be a number."),
    ({"real": float("nan")}, "here: real has a wrong value.", "It must be a number."),
    ({"switch": 1}, "here: switch has a wrong value.", "It must be true or false."),
    ({"maybe": "yes"}, "here: maybe has a wrong value.", "It must be true or false."),
    ({"word": 5}, "here: word has a wrong value.", "It must be a text."),
    ({"word": "ä" + CANARY}, "here: word: The word has letters outside a to z.", "Write it in a to z."),
    ({"day": CANARY}, "here: day has a wrong value.", "It must be a date, such as 2024-01-31."),
    ({"choice": CANARY}, "here: choice has a wrong value.", "It must be one of fast, careful."),
    ({"colour": CANARY}, "here: colour has a wrong value.", "It must be one of red, blue."),
    ({"names": CANARY}, "here: names has a wrong value.", "It must be a list, each entry a text."),
    ({"names": ["a", 5]}, "here: names[1] has a wrong value.", "It must be a list, each entry a text."),
    ({"by_name": {"one": [5]}}, "here: by_name.one[0] has a wrong value.", "a table, each value a list"),
    ({"inside": {"one": {"size": CANARY}}}, "here: inside.one.size has a wrong value.", "a whole number"),
    ({"key": CANARY}, "here: key holds the secret itself; secrets are only given by reference.", 'key = "env:LAB_KEY"'),
    ({"key": "env:" + CANARY}, "here: key: env: must be followed by a variable's name.", "env:NAME"),
    ({"whole": 13, "switch": True}, "here: 13 cannot be switched.", "Leave one out."),
    ({"word": "\udcff"}, "here: something in it cannot be.", "Check its names and values."),
]


@pytest.mark.parametrize(("table", "message", "hint"), WRONG, ids=[f"{n}" for n, _ in enumerate(WRONG)])
def test_what_is_wrong_is_named_and_not_repeated(table: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_mapping(Everything, {"inner": {"size": 1}} | table, where="here")
    assert caught.value.message == message
    assert hint in (caught.value.hint or "")
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_something_that_must_be_given() -> None:
    with pytest.raises(ConfigurationError, match=r"^here: inner is not set\. It must be a table\.$"):
        from_mapping(Everything, {}, where="here")


def test_broken_toml_is_named_by_its_line() -> None:
    with pytest.raises(ConfigurationError, match=r"^The map is not valid TOML \(at line 2, column \d+\)\.") as caught:
        from_toml(Everything, f"word = 'x'\nword = '{CANARY}'\n", where="The map")
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_values_of_a_command_line_are_refused_by_their_option() -> None:
    made = from_options(Everything, {"inner": Inner(1), "names": ["a"], "choice": "careful", "maybe": None})
    assert made == Everything(Inner(1), names=("a",), choice="careful")
    with pytest.raises(UsageError, match=r"^--choice has a wrong value\. It must be one of fast, careful\.$"):
        from_options(Everything, {"inner": Inner(1), "choice": CANARY})
    with pytest.raises(UsageError, match=r"^13 cannot be switched\. Leave one out\.$"):
        from_options(Everything, {"inner": Inner(1), "whole": 13, "switch": True})


def test_what_could_not_be_read_again_is_not_recorded() -> None:
    for wrong in ({"whole": CANARY}, {"word": CANARY + "\udcff"}, {"real": float("inf")}):
        with pytest.raises(UsageError, match="Everything holds a value that cannot be recorded") as caught:
            to_json(Everything(Inner(1), **wrong))
        assert CANARY not in "".join(traceback.format_exception(caught.value))


@unhurried
@given(st.dictionaries(TEXTS | st.sampled_from([one.name for one in fields_of(Everything)]), st.from_type(object)))
def test_any_table_is_taken_or_refused_in_our_words(table: dict[str, Any]) -> None:
    try:
        told = type(from_mapping(Everything, table, where="here")).__name__
    except BondstoreError as error:
        told = error.message
    assert told.startswith(("here: ", "Everything"))


def test_fields_are_described() -> None:
    known = {one.name: one for one in fields_of(Everything)}
    assert known["inner"].default is REQUIRED
    assert known["by_name"].default == {}
    assert (known["choice"].options, known["parts"].options) == (("--choice",), ())
    assert known["word"].setting.help == "A word."


def test_the_schema_carries_help_and_limits() -> None:
    schema = json_schema(Everything)
    assert schema["required"] == ["inner"]
    assert schema["additionalProperties"] is False
    inner = schema["$defs"]["Inner"]["properties"]
    assert inner["size"] | {"minimum": 0, "maximum": 100, "description": "How large."} == inner["size"]
    assert inner["share"]["exclusiveMinimum"] == 0
    assert schema["properties"]["colour"]
    assert {"type": "string"} in schema["properties"]["key"]["anyOf"]


def test_nothing_of_pydantic_is_loaded_before_settings_are_read() -> None:
    code = (
        "import pickle, sys; from tests.config.test_model import Everything, Inner, fields_of\n"
        "fields_of(Everything); pickle.loads(pickle.dumps(Everything(Inner(1))))\n"
        "print(*(one for one in sys.modules if one.startswith('pydantic')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
