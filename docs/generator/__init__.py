"""The reference pages, each made from the code by one module."""
