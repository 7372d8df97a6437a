"""``bondstore beiwe streams``."""

from bondstore.cli.beiwe._shared import counting

EXAMPLES = (
    "bondstore beiwe streams --study STUDY",
    "bondstore beiwe streams --store s3://BUCKET --study STUDY --participant 1ab2cd3e --json",
)

command = counting(
    "stream", "Count every data stream's objects, with bytes and the first and last time in their names."
)
