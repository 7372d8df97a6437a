"""Screenlake: screenshots and phone logs, uploaded as zips."""
