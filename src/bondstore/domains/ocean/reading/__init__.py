"""Files of profiles into one ragged table."""
