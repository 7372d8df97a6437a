"""Running in AWS: events, handlers, packages and templates."""
