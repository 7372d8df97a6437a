"""Files in the classic format: read back by netCDF's own library and by SciPy's reader."""

import io

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import netcdf_file as scipy_netcdf

from bondstore.domains.ocean.output.classic import Variable, classic_netcdf
from bondstore.errors import UsageError


def opened(data: bytes) -> netCDF4.Dataset:
    read = netCDF4.Dataset("memory", memory=data)
    read.set_auto_mask(False)
    return read


KINDS = ("i1", "i2", "i4", "f4", "f8")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_written_is_read_by_both_libraries(data):
    lengths = {"x": data.draw(st.integers(1, 5)), "y": data.draw(st.integers(1, 7))}
    values = {}
    for number in range(data.draw(st.integers(1, 5))):
        shape = data.draw(st.sampled_from([(), ("x",), ("y",), ("x", "y")]))
        kind = data.draw(st.sampled_from(KINDS))
        size = [lengths[name] for name in shape]
        values[f"v{number}"] = (shape, np.random.default_rng(number).integers(-100, 100, size).astype(kind))
    attributes = data.draw(
        st.dictionaries(
            st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True),
            texts | st.integers(-(1 << 31), (1 << 31) - 1) | st.floats(allow_nan=False),
            max_size=5,
        )
    )
    variables = [Variable(name, shape, one, attributes) for name, (shape, one) in values.items()]
    file = classic_netcdf(lengths, attributes, variables)
    read = opened(file)
    assert {name: len(one) for name, one in read.dimensions.items()} == lengths
    assert {name: read.getncattr(name) for name in read.ncattrs()} == attributes
    assert list(read.variables) == list(values)
    for name, (shape, one) in values.items():
        assert read[name].dimensions == shape
        assert read[name].dtype == one.dtype
        np.testing.assert_array_equal(read[name][...], one)
        assert {key: read[name].getncattr(key) for key in read[name].ncattrs()} == attributes
    with scipy_netcdf(io.BytesIO(file), mmap=False) as other:
        for name, (_, one) in values.items():
            np.testing.assert_array_equal(np.atleast_1d(other.variables[name][...]), np.atleast_1d(one))


def test_the_library_itself_writes_the_same_bytes(tmp_path):
    path = tmp_path / "theirs.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as theirs:
        theirs.createDimension("x", 3)
        theirs.title = "the same"
        made = theirs.createVariable("a", "f8", ("x",))
        made.units = "1"
        made[:] = [1.0, 2.5, -3.0]
        theirs.createVariable("b", "i1", ("x",))[:] = [1, 2, 3]
    ours = classic_netcdf(
        {"x": 3},
        {"title": "the same"},
        [
            Variable("a", ("x",), np.array([1.0, 2.5, -3.0]), {"units": "1"}),
            Variable("b", ("x",), np.array([1, 2, 3], np.int8)),
        ],
    )
    # The library fills the end of a byte variable up with its fill value, which readers never look at.
    length = path.stat().st_size
    assert ours[: length - 1] == path.read_bytes()[:-1]
    assert not ours[length:].strip(b"\0")


@pytest.mark.parametrize("text", [1, 3900, 3960, 3980, 3990, 4000, 4010, 4050, 8100])
def test_files_of_any_length_are_read_from_memory(text):
    """netCDF's library wants whole pages there, see Unidata/netcdf-c#1263 and others."""
    for levels in (1, 5, 700):
        file = classic_netcdf({"x": levels}, {"a": "t" * text}, [Variable("v", ("x",), np.arange(levels * 1.0))])
        assert opened(file)["v"][:].tolist() == list(range(levels))


@pytest.mark.parametrize("fixed_first", [True, False])
def test_an_empty_dimension_has_no_records(fixed_first):
    empty = [
        Variable("a", ("obs",), np.zeros(0)),
        Variable("b", ("obs",), np.zeros(0, np.int8)),
        Variable("c", ("obs", "x"), np.zeros((0, 2), np.float32)),
    ]
    fixed = [Variable("d", ("x",), np.array([4, 5], np.int32)), Variable("e", ("x",), np.array([6.0, 7.0]))]
    variables = fixed + empty if fixed_first else empty + fixed
    read = opened(classic_netcdf({"x": 2, "obs": 0}, {}, variables))
    assert [read[name].shape for name in "abc"] == [(0,), (0,), (0, 2)]
    assert read["d"][:].tolist() == [4, 5]
    assert read["e"][:].tolist() == [6.0, 7.0]


def test_letters_and_lists_of_numbers():
    words = np.array([list("ab"), list("c\0")], "S1")
    read = opened(
        classic_netcdf(
            {"x": 2, "n": 2},
            {"some": np.array([1, 2, 9], np.int8)},
            [Variable("words", ("x", "n"), words, {"_Encoding": "utf-8"})],
        )
    )
    assert read["words"][:].tolist() == ["ab", "c"]
    assert read.some.tolist() == [1, 2, 9]
    assert read.some.dtype == np.int8


@pytest.mark.parametrize(
    ("lengths", "variable"),
    [
        ({"x": 3}, Variable("a", ("x",), np.zeros(2))),
        ({"x": 3}, Variable("a", ("x",), np.zeros(3, np.int64))),
        ({"x": 3}, Variable("a", ("x",), np.zeros(3, np.uint8))),
        ({"x": 0, "y": 0}, Variable("a", ("x",), np.zeros(0))),
    ],
)
def test_what_the_format_cannot_hold_is_refused(lengths, variable):
    with pytest.raises(UsageError):
        classic_netcdf(lengths, {}, [variable])


def test_a_variable_over_four_gib_is_refused():
    large = np.broadcast_to(np.zeros(1), (1 << 29,))
    with pytest.raises(UsageError, match="too large"):
        classic_netcdf({"x": 1 << 29}, {}, [Variable("a", ("x",), large)])
