"""The commands of the noun `neuro`."""
