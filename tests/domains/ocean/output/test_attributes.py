"""What a person states of all files."""

import pickle

import pytest

from bondstore.domains.ocean.output.attributes import DEFAULTS, NAMES, Attributes, FileSource, parse_attributes
from bondstore.errors import ConfigurationError


def test_a_file_of_attributes_is_read():
    stated = parse_attributes(
        'title = "Ours"\nlicense = "CC-BY-4.0"\npublish = ["Profile number"]\n[more]\nsite_code = "NZ"\n'
    )
    assert stated == Attributes({"title": "Ours", "license": "CC-BY-4.0"}, {"site_code": "NZ"}, ("Profile number",))
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
    ],
)
def test_what_is_wrong_is_said(text, told):
    with pytest.raises(ConfigurationError, match=told) as caught:
        parse_attributes(text)
    assert "a@b.example" not in str(caught.value)


def test_the_date_is_the_objects_unless_it_is_given():
    assert FileSource(source_modified=5.0).date == 5.0
    assert FileSource(source_modified=5.0, processed=6.0).date == 6.0
    assert FileSource().date is None
    assert FileSource("s3://b/p/", "k").source == "s3://b/p/k"
    assert FileSource(key="k").source == "k"


def test_settings_travel_between_processes():
    about = FileSource("s", "k", attributes=Attributes({"title": "x"}, {"a": "b"}, ("c",)))
    assert pickle.loads(pickle.dumps(about)) == about
