"""Old vaults of Amazon Glacier: their inventory, and their archives moved into a vault of today."""
