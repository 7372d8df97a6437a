"""ImageNames of images: the phone's own where that can be, the same whatever happened before."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bondstore.domains.screenlake.names import ImageNames
from bondstore.domains.screenlake.paths import token_of

A, B, C = "a" * 64, "b" * 64, "c" * 64


def test_an_image_keeps_its_name_and_comes_once(tmp_path: Path) -> None:
    with ImageNames(tmp_path / "n") as names:
        assert names.add(0, "img_1.jpg", A, "out", "p0") == ("img_1.jpg", False)
        assert names.add(1, "img_1.jpg", A, "out", "p1") == ("img_1.jpg", True)
        assert [(one.name, one.part) for one in names.walk()] == [("img_1.jpg", "p1")]


def test_other_content_under_the_same_name_is_another_image(tmp_path: Path) -> None:
    with ImageNames(tmp_path / "n") as names:
        names.add(0, "img_1.jpg", A, "x", "p0")
        assert names.add(1, "img_1.jpg", B, "y", "p1") == (f"img_1-{B[:12]}.jpg", False)
        assert names.find(1, "img_1.jpg") == (f"img_1-{B[:12]}.jpg", "")
        assert names.find(0, "img_1.jpg") == ("img_1.jpg", "")
        assert names.find(7, "img_1.jpg") == ("img_1.jpg", "")


def test_a_screen_that_stands_still_gives_as_many_images_as_were_taken(tmp_path: Path) -> None:
    with ImageNames(tmp_path / "n") as names:
        assert names.add(0, "img_1.jpg", A, "x", "p0") == ("img_1.jpg", False)
        assert names.add(0, "img_2.jpg", A, "x", "p0") == ("img_2.jpg", False)


def test_names_that_differ_in_case_alone_are_two_files_on_every_disk(tmp_path: Path) -> None:
    with ImageNames(tmp_path / "n") as names:
        names.add(0, "img.jpg", A, "x", "p0")
        name, _ = names.add(0, "IMG.JPG", B, "y", "p0")
        assert name.casefold() != "img.jpg"


def test_a_name_that_somebody_else_has_taken_is_given_to_nobody_else(tmp_path: Path) -> None:
    """Other images of the zip may be called what would be free."""
    taken = ["x.jpg", f"x-{B[:12]}.jpg", f"x-{B}.jpg", f"x-{B}-2.jpg", f"{B}.jpg"]
    with ImageNames(tmp_path / "n") as names:
        assert [names.add(0, name, C, "z", "p0")[0] for name in taken] == taken
        name, _ = names.add(1, "x.jpg", B, "y", "p1")
        long, _ = names.add(1, f"{'x' * 300}.jpg", B, "y", "p1")
    assert name not in taken
    assert len(long.encode()) <= 255


def test_why_there_is_no_file_is_known(tmp_path: Path) -> None:
    with ImageNames(tmp_path / "n") as names:
        names.without(0, "img_1.jpg", "(withheld: face-stays)")
        assert names.find(0, "img_1.jpg") == ("", "(withheld: face-stays)")
        assert names.find(0, "img_2.jpg") is None
        names.add(1, "img_1.jpg", A, "x", "p1")
        assert names.find(0, "img_1.jpg") == ("", "(withheld: face-stays)"), "of the same zip first"
        assert names.find(5, "img_1.jpg") == ("img_1.jpg", ""), "else where there is a file"


def test_what_lies_elsewhere_is_told(tmp_path: Path) -> None:
    with ImageNames(tmp_path / "n") as names:
        for base, source, output in (
            ("one.jpg", A, "x"),
            ("two.jpg", B, "y"),
            ("old.jpg", C, "z"),
            ("lost.jpg", A, "w"),
        ):
            names.made(base, source, output)
            if base != "lost.jpg":
                names.add(0, base, source, output, "p0")
        names.stands("i/one.jpg", token_of("one.jpg", A), "x", there=True)
        names.stands("i/zwei.jpg", token_of("two.jpg", B), "y", there=True)
        names.stands("i/gone.jpg", token_of("gone.jpg", C), "v", there=True)
        names.stands("i/old.jpg", token_of("old.jpg", C), "as it was handled before", there=True)
        names.stands("i/lost.jpg", token_of("lost.jpg", A), "w", there=False)
        names.stands("j/waits", token_of("gone.jpg", C), "v", there=True)
        assert list(names.misplaced("i/")) == [
            ("i/gone.jpg", token_of("gone.jpg", C), False),
            ("i/old.jpg", token_of("old.jpg", C), False),
            ("i/zwei.jpg", token_of("two.jpg", B), True),
        ]
        there = {
            base: names.place(base, source) is not None
            for base, source in (("one.jpg", A), ("old.jpg", C), ("lost.jpg", A))
        }
        assert there == {"one.jpg": True, "old.jpg": False, "lost.jpg": False}


NAME = st.one_of(st.sampled_from(["a.jpg", "A.jpg", "b", "..", "", "a-" + "a" * 12 + ".jpg"]), st.text(max_size=8))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(images=st.lists(st.tuples(NAME, st.sampled_from([A, B, C])), max_size=12))
def test_no_two_images_share_a_file_and_none_leaves_its_folder(images: list[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "n").unlink(missing_ok=True)
    with ImageNames(tmp_path / "n") as names:
        files = {one: names.add(0, one[0], one[1], "x", "p")[0] for one in images}
    assert len({name.casefold() for name in files.values()}) == len(files)
    assert all(name not in ("", ".", "..") and "/" not in name and not name.startswith(".") for name in files.values())
