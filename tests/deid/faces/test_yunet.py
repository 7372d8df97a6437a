"""A model of YuNet's layout, made here with known answers; any size and one size only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bondstore.deid.faces import open_detector
from bondstore.deid.faces.detector import Effort, OnnxDetector
from bondstore.deid.faces.passes import Pass
from bondstore.deid.faces.yunet import OUTPUTS, STRIDES
from bondstore.errors import ConfigurationError


def yunet(path: Path, size: tuple[int, int] | None, outputs: tuple[str, ...] = OUTPUTS) -> Path:
    """Write a model of YuNet's layout that takes the blue of a cell for its score.

    Every cell's box has its middle half a cell right and a quarter down, is four cells wide and two high. Only
    stride 16 answers at all. With a size, that size is also held in the insides of the graph.
    """
    nodes, weights = [], []

    def constant(name: str, value: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(value, name))
        return name

    constant("first", np.array([0], np.int64))
    constant("second", np.array([1], np.int64))
    constant("channel", np.array([1], np.int64))
    nodes.append(helper.make_node("Slice", ["input", "first", "second", "channel"], ["blue"]))
    for stride in STRIDES:
        shape = [1, -1, 1] if size is None else [1, size[0] // stride * (size[1] // stride), 1]
        constant(f"shape{stride}", np.array(shape, np.int64))
        constant(f"full{stride}", np.array(255 if stride == 16 else 1e9, np.float32))
        pool = {"kernel_shape": [stride] * 2, "strides": [stride] * 2}
        nodes += [
            helper.make_node("AveragePool", ["blue"], [f"mean{stride}"], **pool),
            helper.make_node("Div", [f"mean{stride}", f"full{stride}"], [f"share{stride}"]),
            helper.make_node("Reshape", [f"share{stride}", f"shape{stride}"], [f"cls_{stride}"]),
            helper.make_node("Identity", [f"cls_{stride}"], [f"obj_{stride}"]),
            helper.make_node(
                "Mul", [f"cls_{stride}", constant(f"none{stride}", np.float32([0] * 4))], [f"zero{stride}"]
            ),
            helper.make_node(
                "Add",
                [f"zero{stride}", constant(f"box{stride}", np.float32([0.5, 0.25, np.log(4), np.log(2)]))],
                [f"bbox_{stride}"],
            ),
        ]
    sides = size or ("height", "width")
    graph = helper.make_graph(
        nodes,
        "yunet",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, *sides])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "cells", "values"]) for name in outputs],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save_model(model, path)
    return path


def blue_at(row: int, column: int, height: int, width: int) -> np.ndarray:
    """A black picture, one cell of 16 pixels blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[16 * row : 16 * row + 16, 16 * column : 16 * column + 16, 2] = 255
    return pixels


@pytest.mark.parametrize("size", [None, (352, 224)])
@pytest.mark.parametrize(("row", "column"), [(4, 3), (2, 12), (20, 11)])
def test_boxes_are_read_by_the_layout(size: tuple[int, int] | None, row: int, column: int, tmp_path: Path) -> None:
    detector = OnnxDetector(Effort((Pass(1),), 0.5, 0.05, 0), yunet(tmp_path / "yunet.onnx", size))
    (box,) = (box for box in detector.find(blue_at(row, column, 352, 224)) if box.score >= 0.5)
    left, right = max(0, (column + 0.5) * 16 - 32), min(224, (column + 0.5) * 16 + 32)
    assert box.score == pytest.approx(1)
    assert (box.x, box.x + box.width) == pytest.approx((left, right))
    assert (box.y, box.y + box.height) == pytest.approx(((row + 0.25) * 16 - 16, (row + 0.25) * 16 + 16))


def test_a_model_of_one_size_sees_pictures_of_every_size(tmp_path: Path) -> None:
    detector = open_detector(model=yunet(tmp_path / "yunet.onnx", (64, 96)))
    for height, width in ((30, 40), (64, 96), (200, 500)):
        (best, *_) = detector.find(blue_at(0, 1, height, width))
        assert best.score > detector.threshold
        assert best.x <= 16
        assert best.x + best.width >= 32


def test_a_model_of_other_outputs_is_refused(tmp_path: Path) -> None:
    path = yunet(tmp_path / "old.onnx", None, ("cls_8", "obj_8", "bbox_8"))
    with pytest.raises(ConfigurationError, match="neither a CenterFace nor a YuNet"):
        open_detector(model=path)


def test_the_digest_tells_models_apart(tmp_path: Path) -> None:
    free, fixed = yunet(tmp_path / "free.onnx", None), yunet(tmp_path / "fixed.onnx", (320, 320))
    assert len({open_detector(model=path).digest for path in (None, free, fixed)}) == 3
