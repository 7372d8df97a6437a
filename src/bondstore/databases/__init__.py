"""Rows by key in DynamoDB or a relational database, behind one interface."""
