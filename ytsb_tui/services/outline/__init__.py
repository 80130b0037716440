"""The author that needs no model."""
