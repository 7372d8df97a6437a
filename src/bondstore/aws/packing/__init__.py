"""Zips of Lambda functions and layers: the same bytes from the same wheels, within Lambda's limits."""
