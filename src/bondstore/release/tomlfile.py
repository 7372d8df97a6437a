"""Settings of releases and mail as a TOML file says them, not checked yet."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from bondstore.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


def read_toml(path: Path, option: str) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    path : Path
        The file.
    option : str
        The option that names it on the command line, for the hint.

    Raises
    ------
    NotFoundError
        There is no such file.
    ConfigurationError
        It cannot be read as TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.", hint=f"Check the path behind {option}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        raise ConfigurationError(f"{path} cannot be read as TOML.") from None
