"""The jobs of the vault, from what a ledger recorded of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.runs.domain import load, unknown_run
from bondstore.runs.executors import default_executor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.pipeline import Job

executor = default_executor
"""Who does the work of these jobs, by the number of jobs asked for."""
_HOMES = {
    "vault.cp": "bondstore.vault.cp",
    "vault.get": "bondstore.vault.get",
    "vault.inventory": "bondstore.vault.glacier.inventory",
    "vault.migrate": "bondstore.vault.glacier.migrate",
    "vault.put": "bondstore.vault.put",
    "vault.rekey": "bondstore.vault.rekey",
    "vault.restore": "bondstore.vault.restore",
    "vault.unseal-legacy": "bondstore.vault.legacy.job",
    "vault.verify": "bondstore.vault.verify",
}
"""Where each kind of job has its ``job_of``."""


def job_of(params: Mapping[str, Any], profile: str | None = None) -> Job:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    home = _HOMES.get(params.get("job", ""))
    if home is None:
        raise unknown_run()
    job: Job = load(home).job_of(params, profile)
    return job
