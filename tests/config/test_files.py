from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bondstore.config import aws_files, files
from bondstore.config.secrets import SecretRef
from bondstore.errors import ConfigurationError
from tests.homes import Home

CANARY = "canary-8c-secret"
BUSY = """\
# my settings
default_profile = "lab"   # the usual one
study = "s1"

# the lab's
[profile.lab]
url = "s3://lab" # bucket
secret_key = "env:LAB"

# a comment on other
[profile.other]
url = "s3://other"
"""


def test_user_path_honours_xdg(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.user_path() == home.user_file
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert files.user_path() == home.path / ".config" / "bondstore" / "config.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert files.user_path() == home.path / ".config" / "bondstore" / "config.toml"


def test_the_nearest_project_file_above_counts(home: Home) -> None:
    deep = home.project / "a" / "b"
    deep.mkdir(parents=True)
    assert files.project_path(deep) is None
    upper = home.write_project("")
    assert files.project_path(deep) == upper
    nearer = home.project / "a" / "bondstore.toml"
    nearer.write_text("")
    assert files.project_path(deep) == nearer


def test_a_busy_file_is_read(home: Home) -> None:
    read = files.read(home.write_user(BUSY))
    assert read.default_profile == "lab"
    assert read.top == {"study": "s1"}
    assert read.profiles["lab"] == {"url": "s3://lab", "secret_key": SecretRef("env", "LAB")}


def test_relative_secret_files_start_at_the_settings_file(home: Home) -> None:
    path = home.write_project('[profile.x]\nsecret_key = "file:keys/lab"\n')
    assert files.read(path).profiles["x"]["secret_key"].place == str(path.parent / "keys" / "lab")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"x = {CANARY}", "not valid TOML \\(at line 1"),
        (f'key = "{CANARY}"', "holds the secret itself"),
        ('profle = "x"', "Did you mean profile"),
        ('profile = "lab"', "default_profile"),
        ("[profile.lab]\n[profile.lab]\n", "not valid TOML"),
        ('default_profile = "a b"', "letters, digits"),
        ('[profile."a b"]\n', "letters, digits"),
        (f'[profile.lab]\nsas = "{CANARY}"', "sas holds the secret itself"),
    ],
)
def test_broken_files_are_told_without_their_content(home: Home, text: str, told: str) -> None:
    path = home.write_user(text)
    with pytest.raises(ConfigurationError, match=told) as caught:
        files.read(path)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_text(home: Home) -> None:
    path = home.write_user("")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        files.read(path)


def test_writing_is_private_and_leaves_nothing_behind(home: Home) -> None:
    files.write_profile(home.user_file, "lab", {"url": "s3://lab"})
    assert stat.S_IMODE(home.user_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.user_file.parent.stat().st_mode) == 0o700
    assert {path.name for path in home.user_file.parent.iterdir()} == {"config.toml", ".config.toml.lock"}


def test_a_file_others_could_read_becomes_private(home: Home) -> None:
    home.write_user(BUSY).chmod(0o644)
    files.write_profile(home.user_file, "new", {"url": "s3://n"})
    assert stat.S_IMODE(home.user_file.stat().st_mode) == 0o600


def test_adding_keeps_everything_else(home: Home) -> None:
    path = home.write_user(BUSY)
    files.write_profile(path, "new", {"url": "s3://n", "read_only": True, "retries": 2, "stall_timeout": 1.5})
    text = path.read_text()
    assert text.startswith(BUSY)
    assert tomllib.loads(text)["profile"]["new"] == {
        "url": "s3://n", "read_only": True, "retries": 2, "stall_timeout": 1.5,
    }  # fmt: skip


def test_replacing_and_removing_keep_the_others_and_their_comments(home: Home) -> None:
    path = home.write_user(BUSY)
    files.write_profile(path, "lab", {"url": "s3://moved"})
    assert tomllib.loads(path.read_text())["profile"] == {"lab": {"url": "s3://moved"}, "other": {"url": "s3://other"}}
    assert "# a comment on other" in path.read_text()
    assert 'default_profile = "lab"' in path.read_text()
    files.write_profile(path, "lab", None)
    left = tomllib.loads(path.read_text())
    assert left == {"study": "s1", "profile": {"other": {"url": "s3://other"}}}
    assert "# my settings" in path.read_text()


def test_default_is_set_before_the_tables(home: Home) -> None:
    path = home.write_user('[profile.a]\nurl = "s3://a"\n')
    files.write_profile(path, "b", {"url": "s3://b"}, default=True)
    assert tomllib.loads(path.read_text())["default_profile"] == "b"
    files.write_profile(path, "c", {"url": "s3://c"}, default=True)
    assert tomllib.loads(path.read_text())["default_profile"] == "c"
    assert path.read_text().count("default_profile") == 1


@pytest.mark.parametrize(
    "text",
    [
        'profile = { lab = { url = "s3://x" } }\n',
        'profile.lab.url = "s3://x"\n',
        '[profile]\nlab = { url = "s3://x" }\n',
    ],
)
def test_an_unusual_layout_is_refused_rather_than_spoiled(home: Home, text: str) -> None:
    path = home.write_user(text)
    for change in ({"url": "s3://new"}, None):
        with pytest.raises(ConfigurationError, match="cannot be changed safely"):
            files.write_profile(path, "lab", change)
    assert path.read_text() == text


def test_text_that_looks_like_a_table_is_kept(home: Home) -> None:
    text = '[profile.a]\nstudy = """x\n[profile.b]\n"""\n'
    path = home.write_user(text)
    with pytest.raises(ConfigurationError):
        files.write_profile(path, "a", {"url": "s3://a"})
    assert path.read_text() == text


def test_a_symbolic_link_stays_one(home: Home) -> None:
    real = home.path / "dotfiles.toml"
    real.write_text("")
    home.user_file.parent.mkdir(parents=True)
    home.user_file.symlink_to(real)
    files.write_profile(home.user_file, "lab", {"url": "s3://lab"})
    assert home.user_file.is_symlink()
    assert "s3://lab" in real.read_text()


def test_a_folder_that_cannot_be_made(home: Home) -> None:
    (home.path / "config").write_text("a file is in the way")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        files.write_profile(home.user_file, "lab", {"url": "s3://lab"})


def test_writers_at_the_same_time_lose_nothing(home: Home) -> None:
    code = "import sys; from pathlib import Path; from bondstore.config import files\n"
    code += "for i in range(10): files.write_profile(Path(sys.argv[1]), f'p{sys.argv[2]}-{i}', {'url': 's3://b'})"
    command = [sys.executable, "-c", code, str(home.user_file)]
    children = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    assert len(files.read(home.user_file).profiles) == 40


_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs")), min_size=1)


@given(changes=st.lists(st.tuples(_NAMES, st.none() | _TEXTS), max_size=8))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_sequence_of_changes_equals_the_same_on_a_dictionary(
    tmp_path: Path, changes: list[tuple[str, str | None]]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# head\n[profile.kept]\nurl = "s3://kept"\n')
    wanted = {"kept": {"url": "s3://kept"}}
    for name, study in changes:
        if study is None and name not in wanted:
            continue
        files.write_profile(path, name, None if study is None else {"study": study})
        if study is None:
            del wanted[name]
        else:
            wanted[name] = {"study": study}
    assert tomllib.loads(path.read_text()).get("profile", {}) == wanted


def test_a_byte_order_mark_is_no_part_of_a_file(home: Home) -> None:
    """Editors of Windows put one in front."""
    home.write_user('\ufeffdefault_profile = "lab"\n[profile.lab]\nurl = "s3://b"\n')
    assert files.read(files.user_path()).profiles == {"lab": {"url": "s3://b"}}
    files.write_profile(files.user_path(), "more", {"url": "s3://c"})
    assert set(files.read(files.user_path()).profiles) == {"lab", "more"}
    home.write_aws(
        "\ufeff[default]\naws_access_key_id = i\naws_secret_access_key = s\n", "\ufeff[default]\nregion = r\n"
    )
    assert aws_files.settings()["region"][0] == "r"
    assert (
        SecretRef.parse(f"file:{home.secret_file(chr(0xFEFF) + 'secret-value')}").resolve().reveal() == "secret-value"
    )
