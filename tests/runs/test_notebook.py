"""In a notebook a run shows how far it is by itself; in a script it is silent unless asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from demo.phones import Shape

from bondstore import ocean, screenlake
from bondstore.runs.notebook import watcher
from bondstore.runs.progress import Progress, Quiet
from bondstore.runs.tally import Count
from tests.ocean_files import moana_csv
from tests.phonelab import PhoneLab


class _Handle:
    def __init__(self, shown: list[str]) -> None:
        self._shown = shown

    def update(self, content: dict[str, str], raw: bool) -> None:
        assert raw
        self._shown.append(content["text/plain"])


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook shows, one text after the other in one place."""
    texts: list[str] = []

    def display(content: dict[str, str], *, raw: bool, display_id: bool) -> _Handle:
        assert (raw, display_id, texts) == (True, True, [])
        texts.append(content["text/plain"])
        return _Handle(texts)

    module, inner = ModuleType("IPython"), ModuleType("IPython.display")
    shell: Any = SimpleNamespace(kernel=object())
    module.get_ipython = lambda: shell  # type: ignore[attr-defined]
    module.version_info = (9, 0, 0)  # type: ignore[attr-defined]  # matplotlib asks for it
    inner.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return texts


def run(watch: Progress | None) -> None:
    assert watch is not None
    watch.listing(Count(3, 3000))
    watch.begin(Count(4, 4000))
    watch.advance(Count(4, 4000))
    watch.end()


def test_a_notebook_shows_it_in_one_place_without_being_asked(shown: list[str]) -> None:
    run(watcher(None))
    assert shown[0] == "listing: 3 objects, 3.0 kB"
    assert shown[-1].startswith("4 of 4 objects, 4.0 kB of 4.0 kB")
    assert watcher(False) is None


def test_a_script_shows_lines_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert watcher(None) is None
    run(watcher(True))
    assert capsys.readouterr().err.startswith("4 of 4 objects")
    quiet = Quiet()
    assert watcher(quiet) is quiet


def _tests(folder: Path, progress: bool | None) -> None:
    (folder / "raw").mkdir()
    (folder / "raw" / "MOANA_0012_1_240501033000.csv").write_bytes(moana_csv())
    ocean.qc(folder / "raw", folder / "qc", ocean.Asked("moana"), jobs=1, progress=progress)


def _draws(folder: Path, progress: bool | None) -> None:
    (folder / "raw").mkdir()
    (folder / "raw" / "MOANA_0012_1_240501033000.csv").write_bytes(moana_csv())
    ocean.plot(folder / "raw", folder / "pictures", progress=progress)


def _processes(folder: Path, progress: bool | None) -> None:
    lab = PhoneLab(folder)
    lab.fill(Shape(panelists=1, zips=1))
    screenlake.process(lab.source.as_uri(), lab.dest, redact="none", jobs=1, progress=progress)


def _counts(folder: Path, progress: bool | None) -> None:
    lab = PhoneLab(folder)
    lab.fill(Shape(panelists=1, zips=1))
    screenlake.panelists(lab.source.as_uri(), progress=progress)


@pytest.mark.parametrize(
    ("run", "last"),
    [
        (_tests, "1 of 1 object"),
        (_draws, "1 of 1 object"),
        (_processes, "1 of 1 object"),
        (_counts, "listing: 1 object"),
    ],
)
def test_oceans_and_screenshots_are_shown_in_a_notebook_too(
    run: Callable[[Path, bool | None], None], last: str, shown: list[str], tmp_path: Path
) -> None:
    run(tmp_path, None)
    assert shown[-1].startswith(last)


@pytest.mark.parametrize("run", [_tests, _draws, _processes, _counts])
def test_what_a_notebook_shows_can_be_turned_off(
    run: Callable[[Path, bool | None], None], shown: list[str], tmp_path: Path
) -> None:
    run(tmp_path, False)
    assert shown == []
