"""An independent second look at what left: it shares no search code with what takes identity out."""
