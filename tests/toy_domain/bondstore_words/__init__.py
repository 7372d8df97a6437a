"""A kind of data in a package of its own: a folder of text files, their words counted."""

from bondstore.runs.domain import Domain, HandlerSpec

DOMAIN = Domain(
    "words",
    "Text files: count their words.",
    {"count": "Count the words of each text file, and of each group of them."},
    package="bondstore_words.commands",
    jobs="bondstore_words.job",
    ending="bondstore_words.ending",
    findings={"bondstore_words.job:KINDS": ("Text files", "From `bondstore words count`.")},
    checks="bondstore_words.checks:of_case",
    handlers={"words": HandlerSpec("bondstore_words.handler", ("numpy>=2",))},
    by_product="bondstore_words.job:is_by_product",
)
