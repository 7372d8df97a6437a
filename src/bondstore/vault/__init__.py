"""What is encrypted and kept: keys, manifests, uploads, archives, and the ways back."""
