"""Participants: who takes part, as rows with a stable key."""
