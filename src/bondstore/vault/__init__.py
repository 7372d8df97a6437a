"""The vault: what is sealed, kept and brought back, and the old archives opened. It knows no domain and serves all."""
