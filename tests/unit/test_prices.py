"""What calls cost: by the built-in prices, by the user's own over them, and unknown where nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from ytsb_tui.errors import UsageError
from ytsb_tui.services.claude.prices import Prices, Tokens

MILLION = 1_000_000
BUILT_IN = Prices.load(Path("no-prices-of-my-own.toml"))


@pytest.mark.parametrize(
    ("tokens", "dollars"),
    [
        (Tokens(input=MILLION), 2.0),
        (Tokens(output=MILLION), 10.0),
        (Tokens(cache_read=MILLION), 0.10),
        (Tokens(cache_write_5m=MILLION), 2.5),
        (Tokens(cache_write_1h=MILLION), 4.0),
        (Tokens(1_000, 2_000, 30_000, 4_000, 500), 0.002 + 0.02 + 0.003 + 0.01 + 0.002),
    ],
)
def test_each_sort_of_token_has_its_price(tokens: Tokens, dollars: float) -> None:
    assert BUILT_IN.usage("claude-sonnet-5-5", tokens).cost == pytest.approx(dollars)


def test_usage_counts_what_was_written_to_the_cache_whatever_its_age() -> None:
    usage = BUILT_IN.usage("claude-sonnet-5-5", Tokens(1, 2, 3, 4, 5))
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (1, 2, 3, 9)


def test_a_long_prompt_costs_what_its_tier_says() -> None:
    below, above = (Tokens(input=1, cache_read=size, output=1_000) for size in (99_999, 100_000))
    assert BUILT_IN.usage("claude-haiku-5-5", below).cost == pytest.approx(0.0000001 + 0.00099999 + 0.0005)
    assert BUILT_IN.usage("claude-haiku-5-5", above).cost == pytest.approx(0.0000005 + 0.005 + 0.0025)


def test_a_batch_costs_half() -> None:
    assert BUILT_IN.halved().usage("claude-opus-5-5", Tokens(input=MILLION)).cost == pytest.approx(2.0)


def test_every_price_follows_from_its_input_price_as_the_price_list_says() -> None:
    """Writing to the cache costs 1.25 times the input for 5 minutes and twice for an hour, output five times."""
    for price in BUILT_IN.by_model.values():
        assert price.cache_write_5m == pytest.approx(1.25 * price.input)
        assert price.cache_write_1h == pytest.approx(2 * price.input)
        assert price.output == pytest.approx(5 * price.input)
        assert price.cache_read <= 0.1 * price.input


def test_an_unknown_model_costs_nobody_knows_what() -> None:
    assert BUILT_IN.usage("llama", Tokens(input=MILLION)).cost is None
    assert BUILT_IN.usage("llama", Tokens()).cost is None


def test_a_dated_name_costs_what_its_model_costs() -> None:
    assert BUILT_IN.usage("claude-haiku-5-5-20260901", Tokens(output=MILLION)).cost == pytest.approx(0.5)


def test_prices_of_ones_own_come_first(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    price = "input = 1\noutput = 0\ncache_read = 0\ncache_write_5m = 0\ncache_write_1h = 0\n"
    own.write_text(f'[claude-sonnet-5-5]\n{price}["qwen3:8b"]\n{price.replace("1", "0", 1)}')
    prices = Prices.load(own)
    assert prices.usage("claude-sonnet-5-5", Tokens(input=MILLION)).cost == 1.0
    assert prices.usage("qwen3:8b", Tokens(input=MILLION)).cost == 0.0
    assert prices.usage("claude-opus-5-5", Tokens(input=MILLION)).cost == 4.0


def test_another_server_has_only_prices_of_ones_own() -> None:
    assert Prices.load(Path("none.toml"), built_in=False).usage("claude-sonnet-5-5", Tokens(input=1)).cost is None


@pytest.mark.parametrize("text", ["[x", "[m]\ninput = 'much'", "[m]\ninput = 1", "[m]\nprice = 1", "\udcff"])
def test_a_price_file_that_cannot_be_read_says_so(tmp_path: Path, text: str) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError, match=r"prices\.toml cannot be read"):
        Prices.load(own)
