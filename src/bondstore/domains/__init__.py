"""One package for each kind of data; none knows another."""
