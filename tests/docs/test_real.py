"""What the documentation shows is what happens: its commands and its Python run against the demo's study."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from demo.place import BUCKET, Bucket
from docs.transcripts import PAGES as RUN
from docs.transcripts import Terminal, terminal

from tests.docs.pages import PAGES, blocks
from tests.servers.seaweedfs import SeaweedFS


@pytest.fixture(scope="module")
def shell(seaweedfs: SeaweedFS) -> Iterator[Terminal]:
    seaweedfs.create_bucket(BUCKET)
    with terminal(Bucket(f"s3://{BUCKET}", seaweedfs.endpoint, seaweedfs)) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_output_shown_is_the_output(page: str, shell: Terminal) -> None:
    shown = PAGES[page].splitlines()
    real = shell.page(PAGES[page]).splitlines()
    assert real == shown, "make docs puts the output of today into the pages"


def test_the_first_success_of_the_readme(shell: Terminal) -> None:
    first = PAGES["README.md"].partition("## First success")[2].partition("\n## ")[0]
    assert "$ bondstore beiwe participants" in first
    assert shell.run("bondstore beiwe participants --json").count('"kind": "participant"') == 3
    assert "exit 5" in shell.run("bondstore beiwe export first; echo exit $?")
    assert shell.run("find first/chunked first/raw -type f | wc -l").strip() == "213"


@pytest.mark.parametrize(
    "page", [f"docs/how-to/{name}.md" for name in ("ocean", "policies", "release", "participants")]
)
def test_python_of_the_ocean_pages_runs(page: str, shell: Terminal) -> None:
    shell.begin(PAGES[page])
    for command in re.findall(r"^<!-- first: (.*) -->$", PAGES[page], re.MULTILINE):
        shell.run(command)
    snippets = [text for text in blocks(page, "python") if "import bondstore" in text]
    assert snippets
    for snippet in snippets:
        done = subprocess.run(
            [sys.executable, "-c", snippet], cwd=shell.home, env=shell.environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout


@pytest.mark.parametrize(
    "snippet",
    [
        pytest.param(text, id=f"{page} {number}")
        for page in ("README.md", "docs/how-to/python.md")
        for number, text in enumerate(blocks(page, "python"))
        if "open_study()" in text or "except" in text or "open_study()  #" in text
    ],
)
def test_python_runs(snippet: str, shell: Terminal) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::bondstore.beiwe.DamageWarning", "-c", snippet],
        cwd=shell.home,
        env=shell.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
