"""What else redacts faces, each in an environment of its own: the script's chain, and deface's command line."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
import venv
from pathlib import Path

CACHE = Path(".cache") / "faces"

SCRIPT = """
import glob, os, sys, time
from multiprocessing import Pool
import cv2

def redact(path):
    start = time.process_time()
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    picture = cv2.imread(path)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    for x, y, w, h in cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=NEIGHBOURS):
        cv2.rectangle(picture, (x, y), (x + w, y + h), (0, 0, 0), -1)
    cv2.imwrite(os.path.join(sys.argv[2], os.path.basename(path)), picture)
    return time.process_time() - start

if __name__ == "__main__":
    paths = sorted(glob.glob(os.path.join(sys.argv[1], "*.jpg")))
    with Pool(int(sys.argv[3])) as pool:
        pool.map(redact, paths[:2])
        start = time.perf_counter()
        spent = sum(pool.map(redact, paths, chunksize=1))
        print(time.perf_counter() - start, spent)
"""
"""The script's chain: decode, Haar cascade, black boxes, encode; as many processes as are given."""


def python_with(name: str, *packages: str) -> Path:
    """Return the interpreter of an environment under ``.cache``; it is made on first use."""
    home = CACHE / "venvs" / name
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, stderr=subprocess.DEVNULL)
        (home / "ready").touch()
    return python.absolute()


def script(pictures: Path, out: Path, neighbours: int, processes: int) -> tuple[float, float]:
    """Run the script's chain; return its seconds by the clock and of processor, without the interpreter's start."""
    python = python_with("haar", "opencv-python-headless<5")
    code = out.parent / f"script-{neighbours}.py"
    code.write_text(SCRIPT.replace("NEIGHBOURS", str(neighbours)))
    done = subprocess.run([python, code, pictures, out, str(processes)], check=True, capture_output=True, text=True)
    clock, spent = map(float, done.stdout.split())
    return clock, spent


_OFFLINE = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}  # else it calls its maker


def deface(pictures: Path, out: Path) -> tuple[float, float]:
    """Run deface's command line over a folder; return its seconds by the clock and of processor.

    Its threads are its own choice. It takes one output name, so the pictures are copied and it writes beside them.
    """
    program = python_with("deface", "deface==1.5.0", "onnx", "onnxruntime").parent / "deface"
    copies = []
    for path in sorted(pictures.glob("*.jpg")):
        copy = out / path.name
        copy.write_bytes(path.read_bytes())
        copies.append(copy)
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, "--replacewith", "solid", *copies], check=True, capture_output=True, env=_OFFLINE)
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    for copy in copies:
        copy.with_stem(f"{copy.stem}_anonymized").replace(copy)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit("This is a part of: python -m benchmarks.faces")
