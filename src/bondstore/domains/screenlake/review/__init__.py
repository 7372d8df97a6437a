"""Review: what the detector was unsure of, as a sheet to look at, and what people decide about it."""
