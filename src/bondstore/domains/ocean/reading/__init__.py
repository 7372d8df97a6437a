"""Readers of ocean profiles: Moana CSVs, Argo and ragged netCDFs, plain tables by a column map; chosen by content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bondstore.domains.ocean.reading.columns import read_columns
from bondstore.domains.ocean.reading.moana import Answer, read_moana, read_moanas
from bondstore.domains.ocean.reading.netcdf import is_netcdf, read_netcdf
from bondstore.errors import DamagedError

if TYPE_CHECKING:
    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.reading.columns import ColumnMap
    from bondstore.findings import Finding

__all__ = ["Answer", "read_any", "read_many", "read_moana", "read_netcdf"]


def read_any(key: str, data: bytes, columns: ColumnMap | None = None) -> tuple[Batch, list[Finding]]:
    """Read profiles from a file of any kind that is known, by its content and not by its name.

    Parameters
    ----------
    key : str
        The object; its stem names the profiles.
    data : bytes
        As in the store.
    columns : ColumnMap, optional
        What the columns of plain tables are; with it, every text file is taken for such a table.

    Returns
    -------
    tuple
        A batch of the file's profiles, and findings.

    Raises
    ------
    DamagedError
        It is of no known kind, or damaged.
    """
    answer = read_many([(key, data)], columns)[0]
    if isinstance(answer, DamagedError):
        raise answer
    return answer


def read_many(pairs: Sequence[tuple[str, bytes]], columns: ColumnMap | None = None) -> list[Answer]:
    """Read many files as `read_any` does, each by its key; Moana CSVs are parsed all together, which makes it fast."""
    moanas: list[int] = []
    answers: dict[int, Answer] = {}
    for number, (key, data) in enumerate(pairs):
        try:
            if is_netcdf(data):
                answers[number] = read_netcdf(data, key)
            elif columns is not None:
                answers[number] = read_columns(data, key, columns)
            else:
                moanas.append(number)
        except DamagedError as error:
            answers[number] = error
    read = read_moanas([pairs[number] for number in moanas])
    answers.update(zip(moanas, read, strict=True))
    return [answers[number] for number in range(len(pairs))]
