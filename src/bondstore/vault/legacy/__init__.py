"""Old archives that ``openssl enc`` encrypted: opened, proved by their content, and unpacked."""
