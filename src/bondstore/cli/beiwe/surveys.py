"""``bondstore beiwe surveys``."""

from bondstore.cli.beiwe._shared import counting

EXAMPLES = (
    "bondstore beiwe surveys --study STUDY",
    "bondstore beiwe surveys --store s3://BUCKET --study STUDY --participant 1ab2cd3e --json",
)

command = counting(
    "survey", "Count every survey's objects (answers, timings, recordings), with bytes, first and last time."
)
