"""``bondstore``, and ``python -m bondstore``."""

import atexit
import contextlib
import os
import sys
from typing import NoReturn


class _Ending:
    """The last thing that a process does: it leaves before the interpreter is taken down.

    A thread of a native library (requests, tables) that asks for the interpreter's lock while it is taken down is torn
    out of foreign frames before Python 3.14, and the whole program dies of SIGABRT in place of its own exit code.
    """

    def __init__(self) -> None:
        self.code = 1  # an error that nobody foresaw
        atexit.register(self.leave)  # the first that is registered is the last that is called

    def leave(self) -> None:
        """Hand over what is still to be written, and end."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # its reader has gone, or it is closed: none is left to tell
                stream.flush()
        os._exit(self.code)


def main() -> NoReturn:
    """Run the command line. Ctrl-C while it is still being loaded ends it as at any other time."""
    ending = _Ending()
    try:
        try:
            from bondstore.cli.main import run
        except KeyboardInterrupt:
            sys.stderr.write("Interrupted; nothing was done.\n")
            sys.exit(130)
        run()
    except SystemExit as ended:
        ending.code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise
    except KeyboardInterrupt:
        ending.code = 130
        raise


if __name__ == "__main__":
    main()
