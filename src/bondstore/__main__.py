"""``python -m bondstore`` is the same as ``bondstore``."""

from bondstore.cli.main import run

if __name__ == "__main__":
    run()
