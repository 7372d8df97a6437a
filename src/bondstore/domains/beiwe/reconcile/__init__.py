"""What raw holds and chunked lacks: compared, reported, rebuilt."""
