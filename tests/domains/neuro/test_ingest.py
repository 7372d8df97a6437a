"""A hospital's folder into vaults in one go, and back: the same bytes as cleaned on their own, and nobody named."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from bondstore import neuro, vaults
from bondstore.domains.neuro.stages import Ended
from bondstore.errors import Exit
from tests.domains.neuro.hospital import Hospital, content, named_in


def film(path: Path, title: str) -> None:
    """Make a video whose container has a title."""
    with av.open(str(path), "w") as video:
        video.metadata["title"] = title
        stream = video.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 20]) * plane.buffer_size)
            frame.pts = number
            video.mux(stream.encode(frame))
        video.mux(stream.encode())


@pytest.fixture
def filled(hospital: Hospital) -> Hospital:
    film(hospital.source / "Muller~ Petra/Muller.avi", "Muller, Petra")
    return hospital


def ingest(hospital: Hospital, to: str, video_to: str | None, **also: object) -> list[Ended]:
    return neuro.ingest(hospital.source, to, video_to, crosswalk=hospital.crosswalk, jobs=1, **also)  # type: ignore[arg-type]


def back(hospital: Hospital, vault: str, to: Path) -> dict[str, bytes]:
    known = hospital.crosswalk
    vaults.get(vault, str(to), unseal=True, key=known.key, passphrase=known.passphrase)
    return {name: one for name, one in content(to).items() if not name.startswith(".bondstore")}


def cleaned(hospital: Hospital) -> dict[str, bytes]:
    neuro.deidentify(hospital.source, hospital.dest, crosswalk=hospital.crosswalk, jobs=1)
    found = content(hospital.dest)
    return {name: one for name, one in found.items() if name != "recordings.csv" and not name.startswith(".bondstore")}


def test_what_comes_back_is_what_deidentify_writes(filled: Hospital, tmp_path: Path) -> None:
    before = content(filled.source)
    ended = ingest(filled, str(tmp_path / "edf"), str(tmp_path / "video"))
    assert [(one.does, one.what, one.exit_code) for one in ended] == [
        ("upload", "recordings", Exit.INCOMPLETE),
        ("upload", "video", Exit.INCOMPLETE),
        ("check", "recordings", Exit.DONE),
        ("check", "video", Exit.DONE),
    ]
    assert [one.result.tally.done.objects for one in ended[:2]] == [4, 1]
    assert [one.result.tally.quarantined.objects for one in ended[:2]] == [2, 1]
    returned = back(filled, str(tmp_path / "edf"), tmp_path / "a") | back(
        filled, str(tmp_path / "video"), tmp_path / "b"
    )
    assert returned == cleaned(filled)
    assert len(returned) == 4 + 1 + 3 + 1
    left = content(tmp_path / "edf") | content(tmp_path / "video")
    assert named_in(left) == []
    assert content(filled.source) == before


def test_run_again_it_has_nothing_to_do(filled: Hospital, tmp_path: Path) -> None:
    places = str(tmp_path / "edf"), str(tmp_path / "video")
    ingest(filled, *places)
    before = content(tmp_path / "edf" / "data") | content(tmp_path / "video" / "data")
    again = ingest(filled, *places)
    assert [one.result.plan.todo.objects for one in again[:2]] == [0, 0]
    assert content(tmp_path / "edf" / "data") | content(tmp_path / "video" / "data") == before
