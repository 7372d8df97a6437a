"""Ocean profiles: read, tested by the standards, written for release."""
