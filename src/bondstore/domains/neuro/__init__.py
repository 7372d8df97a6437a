"""Hospital recordings: EDF and BDF, the video beside them, and what recorders write besides."""
