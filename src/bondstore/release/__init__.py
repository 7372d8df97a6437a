"""What may leave: reviewed, published by hash, recalled, told to people."""
