"""Profiles from netCDF: Argo profile files, contiguous ragged arrays (ours, IMOS), and files of a single profile."""

from __future__ import annotations

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.reading.argo import argo_flags, is_argo, read_argo
from bondstore.domains.ocean.reading.aside import HELPER
from bondstore.domains.ocean.reading.dataset import Reader, StoredFlags, opened
from bondstore.domains.ocean.reading.ragged import ragged_flags, read_ragged
from bondstore.domains.ocean.reading.text import damaged
from bondstore.findings import Finding

_SIGNATURES = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")


def is_netcdf(data: bytes) -> bool:
    """Tell by its first bytes whether a file is netCDF."""
    return data.startswith(_SIGNATURES)


def read_netcdf(data: bytes, key: str) -> tuple[Batch, list[Finding]]:
    """Read the profiles of a netCDF file.

    Argo files (``PLATFORM_NUMBER`` and ``N_PROF``) give the raw values, never the adjusted ones. Other files need
    ``PRES`` (or ``DEPTH``) and ``TEMP``, with TIME, LATITUDE and LONGITUDE per level or per profile; several profiles
    are told apart by a contiguous ragged array (CF conventions 9.3.3).

    Parameters
    ----------
    data : bytes
        As in the store.
    key : str
        The object; its stem names the profiles.

    Returns
    -------
    tuple
        A batch, and findings.

    Raises
    ------
    DamagedError
        It is no netCDF, is damaged, or has no profiles.
    MissingExtraError
        netCDF4 is not installed.
    """
    if not is_netcdf(data):
        raise damaged("not-a-profile", key)
    answer: tuple[Batch, list[Finding]] = HELPER.ask("read", data, key)
    return answer


def flags_in(data: bytes, key: str = "") -> StoredFlags:
    """Return the flags that a netCDF file has of its own, level by level as `read_netcdf` reads the levels.

    Parameters
    ----------
    data, key
        As in `read_netcdf`.

    Returns
    -------
    StoredFlags
        Numbers as in the file: of an Argo file ``PRES_QC`` and so on as the roll-up; of others
        ``<VAR>_quality_control`` as the roll-up and ``<VAR>_qc_<test>`` by test.

    Raises
    ------
    DamagedError
        As in `read_netcdf`.
    """
    if not is_netcdf(data):
        raise damaged("not-a-profile", key)
    answer: StoredFlags = HELPER.ask("flags", data, key)
    return answer


def read_here(data: bytes, key: str) -> tuple[Batch, list[Finding]]:
    """Read a file as `read_netcdf` does, in this very process: one that is damaged may take it along."""
    with opened(data, key) as reader:
        return read_argo(reader) if is_argo(reader) else read_ragged(reader)


def flags_here(data: bytes, key: str) -> StoredFlags:
    """Return flags as `flags_in` does, in this very process."""
    with opened(data, key) as reader:
        return argo_flags(reader) if is_argo(reader) else ragged_flags(reader)


__all__ = ["Reader", "StoredFlags", "flags_in", "is_netcdf", "read_netcdf"]
