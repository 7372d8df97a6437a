"""``bondstore beiwe participants``."""

from bondstore.cli.beiwe._shared import counting

EXAMPLES = (
    "bondstore beiwe participants --study STUDY",
    "bondstore beiwe participants --store s3://BUCKET --study STUDY --participant 1ab2cd3e --json",
)

command = counting(
    "participant", "Count every participant's objects, with bytes and the first and last time in their names."
)
