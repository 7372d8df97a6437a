"""Rows by key in DynamoDB or a relational database, behind one interface.

`open_table` gives a `Table`; a `Change` is applied only where the row still is the version that was read.
"""

from bondstore.databases.open import open_table
from bondstore.databases.rows import Change, Row, Table, Value

__all__ = ["Change", "Row", "Table", "Value", "open_table"]
