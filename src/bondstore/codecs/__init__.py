"""Codecs: sealed bytes to plain bytes and back. They know no key names and no domain."""
