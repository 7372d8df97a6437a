"""`open_table`: from the URL of a database and a name to a `Table`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bondstore.databases.rows import check_name
from bondstore.errors import UsageError

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.databases.rows import Table

_HINT = "Write dynamodb://, dynamodb://REGION, sqlite:///FILE or postgresql://USER@HOST/DATABASE."


def open_table(url: str, name: str, *, key: str, numeric: bool = False, profile: Profile | None = None) -> Table:
    """Open a table. Nothing is asked of the database before the first use.

    Parameters
    ----------
    url : str
        ``dynamodb://`` or ``dynamodb://REGION``; ``sqlite:///relative`` or ``sqlite:////absolute`` path of a file;
        ``postgresql://user@host:port/database``. Never with a password in it.
    name : str
        The table's name.
    key : str
        The name of the column (the partition key) that the rows are found by.
    numeric : bool
        Keys are whole numbers, else texts.
    profile : Profile, optional
        Endpoint, region and credentials for DynamoDB; what holds here and now when not given.

    Raises
    ------
    UsageError
        The URL or the name is none.
    MissingExtraError
        The part for that database is not installed.
    """
    check_name(name)
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise UsageError("The database's URL is none.", hint=_HINT)
    if scheme == "dynamodb":
        from bondstore.databases.dynamodb import DynamoTable

        region = rest.strip("/")
        if region and not (region.isascii() and region.replace("-", "").isalnum()):
            raise UsageError("The region of the DynamoDB URL is none.", hint=_HINT)
        return DynamoTable(name, key=key, numeric=numeric, region=region or None, profile=profile)
    if scheme in ("sqlite", "postgresql", "postgres"):
        from bondstore.databases.sql import SqlTable

        checked = _sqlite(rest) if scheme == "sqlite" else _postgresql(f"postgresql://{rest}")
        return SqlTable(checked, name, key=key, numeric=numeric)
    raise UsageError("Databases of this kind are not known.", hint=_HINT)


def _sqlite(rest: str) -> str:
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path or path == ":memory:" or "?" in path or "\0" in path:
        raise UsageError("A SQLite URL names a file.", hint="Write sqlite:///FILE, or sqlite:////ABSOLUTE/FILE.")
    return f"sqlite:///{Path(path).expanduser().absolute()}"


def _postgresql(url: str) -> str:
    try:
        parts = urlsplit(url)
        fits = bool(parts.path.strip("/")) and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, fits = urlsplit(""), False
    if not fits or "/" in unquote(parts.path).strip("/"):
        raise UsageError("The PostgreSQL URL names no database.", hint=_HINT)
    names = [setting.partition("=")[0] for setting in parts.query.split("&") if setting]
    # Also in the query: libpq takes every setting from there, a password or a file to read included.
    if parts.password is not None or any(name not in ("host", "sslmode") for name in names):
        raise UsageError(
            "The PostgreSQL URL holds more than a place and a user.",
            hint="Give the password by PGPASSWORD or PGPASSFILE; of the settings behind ?, host and sslmode are taken.",
        )
    return url
