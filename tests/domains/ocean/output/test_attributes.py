"""What a person states of all files."""

import pickle

import pytest

from bondstore.domains.ocean.output.attributes import DEFAULTS, NAMES, Attributes, FileSource, parse_attributes
from bondstore.errors import ConfigurationError


def test_a_file_of_attributes_is_read():
    stated = parse_attributes(
        'title = "Ours"\nlicense = "CC-BY-4.0"\npublish = ["header: Profile number", "port"]\n'
        '[more]\nsite_code = "NZ"\n'
    )
    assert stated == Attributes(
        {"title": "Ours", "license": "CC-BY-4.0"}, {"site_code": "NZ"}, ("Profile number", "port")
    )
    assert stated.get("title") == "Ours"
    assert stated.get("institution") == DEFAULTS["institution"]
    assert stated.get("project") == ""
    assert set(DEFAULTS) <= NAMES


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title = ", "no valid TOML"),
        ('tittle = "x"', "no attribute named tittle"),
        ("title = 3", "attribute title must be a text"),
        (f'title = "{"x" * 10_001}"', "must be a text of up to"),
        ('creator_email = "a@b.example"', "how to reach a person"),
        ('[more]\ncontact_name = "x"', "how to reach a person"),
        ('[more]\n"Site Code" = "x"', "cannot be named"),
        ("[more]\nsite = 1", "must be a text"),
        ('more = "x"', "must be a table"),
        ('publish = "x"', "must be a table"),
        ("publish = [1]", "must be a text"),
        ('publish = ["vesel"]', "unknown name 'vesel'. Did you mean 'vessel'\\?"),
        ('publish = ["Fishing methods"]', "Did you mean 'fishing method'\\?"),
        ('publish = ["Moana battery"]', "Did you mean 'Moana Battery \\(V\\)'\\?"),
        ('publish = ["Profile number"]', "unknown name 'Profile number'\\. Known are"),
        ('publish = ["Contact name"]', "'Contact name' in `publish` is about a person"),
        ('publish = ["header: Skipper"]', "'Skipper' in `publish` is about a person"),
    ],
)
def test_what_is_wrong_is_said(text, told):
    with pytest.raises(ConfigurationError, match=told) as caught:
        parse_attributes(text)
    assert "a@b.example" not in str(caught.value)


def test_a_header_line_that_is_not_known_is_named_as_one():
    with pytest.raises(ConfigurationError) as caught:
        parse_attributes('publish = ["Profile number"]')
    assert 'publish = ["header: Profile number"]' in (caught.value.hint or "")
    assert parse_attributes('publish = ["header: Profile number"]').publish == ("Profile number",)


def test_names_may_be_written_in_small_or_capital_letters():
    named = '["Vessel", "upload position", "source file", "moana battery (v)", "Platform", "Fishing Method"]'
    known = ("vessel", "upload_position", "source_file", "Moana Battery (V)", "platform", "fishing method")
    assert parse_attributes(f"publish = {named}").publish == known


def test_the_date_is_the_objects_unless_it_is_given():
    assert FileSource(source_modified=5.0).date == 5.0
    assert FileSource(source_modified=5.0, processed=6.0).date == 6.0
    assert FileSource().date is None
    assert FileSource("s3://b/p/", "k").source == "s3://b/p/k"
    assert FileSource(key="k").source == "k"


def test_settings_travel_between_processes():
    about = FileSource("s", "k", attributes=Attributes({"title": "x"}, {"a": "b"}, ("c",)))
    assert pickle.loads(pickle.dumps(about)) == about
