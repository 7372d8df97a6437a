from tests.databases.rigs import database

__all__ = ["database"]
