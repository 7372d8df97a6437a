"""Faces in pictures: CenterFace, or another ONNX model, through onnxruntime at several scales and rotations."""

from bondstore.deid.faces.boxes import Box
from bondstore.deid.faces.detector import EFFORTS, Detector, follow, open_detector

__all__ = ["EFFORTS", "Box", "Detector", "follow", "open_detector"]
