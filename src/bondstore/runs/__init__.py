"""Selection, plan, shards, executors, tally, progress."""
