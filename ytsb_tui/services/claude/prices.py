"""What a model's tokens cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ytsb_tui.errors import UsageError
from ytsb_tui.settings import read_toml
from ytsb_tui.usage import Usage

BATCH_FACTOR = 0.5
"""What the Message Batches API asks of the usual price."""

_BUILT_IN = Path(__file__).with_name("prices.toml")
_DATE = re.compile(r"-20\d{6}$")


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars per million tokens of one model."""

    input: float
    output: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float
    above: int | None = None
    """Prompts of more tokens than this cost what `dearer` says."""
    dearer: Price | None = None


_prices = msgspec.json.Decoder(dict[str, Price])
"""Has msgspec learn the type now: two threads that have it do so at once crash it."""


@dataclass(frozen=True)
class Tokens:
    """What one call used, as its server counts it."""

    input: int = 0
    """Prompt tokens that were neither read from nor written to the cache."""
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        """All tokens of the prompt."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h


@dataclass(frozen=True)
class Prices:
    """The price of each known model."""

    by_model: Mapping[str, Price] = field(default_factory=dict)
    factor: float = 1.0

    @classmethod
    def load(cls, own: Path, *, built_in: bool = True) -> Prices:
        """The built-in prices (unless told otherwise: other servers have their own), under those of the file `own`.

        The file need not exist. Raises `UsageError` when it cannot be read.
        """
        return cls(
            (_read(_BUILT_IN) if built_in else {}) | (_read(own.expanduser()) if own.expanduser().exists() else {})
        )

    def halved(self) -> Prices:
        """The same models in a batch."""
        return replace(self, factor=BATCH_FACTOR)

    def usage(self, model: str, tokens: Tokens) -> Usage:
        """`tokens` with what they cost; None, never 0, for a model without a price."""
        return Usage(
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read,
            cache_write_tokens=tokens.cache_write_5m + tokens.cache_write_1h,
            cost=self._cost(model, tokens),
        )

    def _cost(self, model: str, tokens: Tokens) -> float | None:
        price = self.by_model.get(model) or self.by_model.get(_DATE.sub("", model))
        if price is None:
            return None
        if price.dearer and price.above is not None and tokens.prompt > price.above:
            price = price.dearer
        millionths = (
            tokens.input * price.input
            + tokens.output * price.output
            + tokens.cache_read * price.cache_read
            + tokens.cache_write_5m * price.cache_write_5m
            + tokens.cache_write_1h * price.cache_write_1h
        )
        return millionths / 1e6 * self.factor


def _read(file: Path) -> dict[str, Price]:
    try:
        return msgspec.convert(read_toml(file, "price file"), dict[str, Price], strict=False)
    except msgspec.ValidationError as error:
        needed = ", ".join(field.name for field in msgspec.structs.fields(Price) if field.required)
        raise UsageError(
            f"The price file {file} cannot be read: it needs a table for each model, with numbers for {needed}."
        ) from error
