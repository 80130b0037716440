"""The author that asks a model, through the Messages API."""
