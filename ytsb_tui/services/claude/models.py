"""Claude's models: which one is the default, and which are about to end."""

from __future__ import annotations

DEFAULT_MODEL = "claude-sonnet-5-5"
"""The newest Sonnet the SDK names."""


def retirement(model: str) -> str | None:
    """A sentence about the end of `model`, None when none is announced. Imports the SDK: takes a second."""
    from anthropic.resources.messages import DEPRECATED_MODELS

    if (end := DEPRECATED_MODELS.get(model)) is None:
        return None
    return f"The model {model} ends on {end}; choose another, for example --model {DEFAULT_MODEL}."
