"""The commands of the noun `ocean`."""
