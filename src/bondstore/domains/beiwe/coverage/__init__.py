"""What there is of each participant, stream and day, and what is missing."""
