"""A long evening in a few minutes: what grows that should not."""
