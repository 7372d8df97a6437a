"""``bondstore vault``: old vaults of Amazon Glacier."""
