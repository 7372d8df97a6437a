"""``bondstore profile list``."""

from __future__ import annotations

from bondstore.cli import options, output

EXAMPLES = ("bondstore profile list", "bondstore profile list --json")


def command(json: options.Json = False) -> None:
    """List the profiles of the project's bondstore.toml and of your own settings file."""
    from bondstore.config.settings import list_profiles

    records = (
        {"kind": "profile", "name": entry.name, "default": entry.default, "file": entry.path}
        | {key: str(value) if not isinstance(value, bool) else value for key, value in entry.settings.items()}
        for entry in list_profiles()
    )
    output.display(
        records,
        ("name", "default", "url", "endpoint", "study", "file"),
        json=json,
        empty="There is no profile yet. Add one: bondstore profile add NAME --url s3://BUCKET",
    )
