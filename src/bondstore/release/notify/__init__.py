"""Mail about what was released: subscribers, messages, and what became of each."""
