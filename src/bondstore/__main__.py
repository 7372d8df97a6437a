"""``bondstore``, and ``python -m bondstore``."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line. Ctrl-C while it is still being loaded ends it as at any other time."""
    try:
        from bondstore.cli.main import run
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; nothing was done.\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
