"""IAM policies: made, split, checked and proved."""
