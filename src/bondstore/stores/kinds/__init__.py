"""The kinds of stores, a module or folder each, found by their schemes; see `bondstore.stores.address`."""
