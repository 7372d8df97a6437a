"""``bondstore beiwe surveys``."""

from __future__ import annotations

from bondstore.cli import options
from bondstore.cli.beiwe._shared import open_study, show_overview

EXAMPLES = (
    "bondstore beiwe surveys --study STUDY",
    "bondstore beiwe surveys --store s3://BUCKET --study STUDY --participant 1ab2cd3e --json",
)


def command(
    *,
    store: options.Store = None,
    profile: options.Profile = None,
    study: options.Study = None,
    participant: options.Participants = None,
    json: options.Json = False,
) -> None:
    """Count every survey's objects (answers, timings, recordings), with bytes, first and last time.

    Made from the listing alone: nothing is read or decrypted. Device keys are never counted.
    """
    show_overview(open_study(store, profile, study), "survey", participant, json=json)
