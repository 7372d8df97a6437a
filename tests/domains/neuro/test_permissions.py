from __future__ import annotations

from pathlib import Path

from bondstore.domains.neuro.permissions import permissions_of


def test_others_are_counted_and_nothing_is_changed(tmp_path: Path) -> None:
    root = tmp_path / "in"
    modes = {
        "open": 0o777,
        "open/a.edf": 0o666,
        "shared": 0o775,
        "shared/b.edf": 0o664,
        "own": 0o700,
        "own/c.edf": 0o600,
    }
    root.mkdir(mode=0o750)
    root.chmod(0o750)
    for name, mode in modes.items():
        path = root / name
        path.write_bytes(b"") if "." in name else path.mkdir()
        path.chmod(mode)
    (root / "link").symlink_to("/etc")
    found = permissions_of(root)
    assert (found.looked, found.changed_by_all, found.read_by_all, found.closed_to_group) == (7, 2, 2, 2)
    assert found.groups == (root.group(),)
    assert {name: (root / name).stat().st_mode & 0o777 for name in modes} == modes
    assert "may change 2 and read 2 more" in found.lines[0]
    assert found.lines[1].startswith("To close them")
