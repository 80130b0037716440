"""Caption files: what is in them."""
