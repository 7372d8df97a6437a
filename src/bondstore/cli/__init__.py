"""The command line: one command a file, ``cli/<noun>/<verb>.py``. It calls services and holds no logic."""
