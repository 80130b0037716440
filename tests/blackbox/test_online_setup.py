"""Keys, models and accounts: told before or at the first call, and the key is seen by nobody."""

from __future__ import annotations

from tests.blackbox.online import KEY, LECTURES, PASSWORD, Online, link
from tests.blackbox.program import PATIENCE, Ended
from tests.world.claude import Behaviour

ALL = [link(number) for number in range(LECTURES)]
WRONG = "sk-ant-wrong-0d4e2a7745f1"
OLD = "claude-sonnet-4-5"
"""A model whose end Anthropic has announced."""


def stopped_at_the_first(online: Online, told: Ended, why: str, advice: str) -> bool:
    """Whether the run ended with its first jobs, said why, and the others wait for the next run."""
    assert told.code == 1, told
    assert f"Stopped: {why}" in told.out
    assert advice in told.out
    assert f"1 failed, {LECTURES - 1} waiting" in told.out
    assert online.world.youtube.asked().count("timedtext") == 1
    return online.run(*ALL).code == 0


def test_a_missing_key_is_told_before_anything_is_fetched(online: Online) -> None:
    told = online.run(*ALL, "--author", "claude", ANTHROPIC_API_KEY="", ANTHROPIC_BASE_URL="")
    assert told.code == 2, told
    assert "There is no API key for Claude. Set ANTHROPIC_API_KEY" in told.err
    assert online.asked() == 0
    estimated = online.run(link(0), "--estimate", "--author", "claude", ANTHROPIC_API_KEY="", ANTHROPIC_BASE_URL="")
    assert estimated.code == 0, "an estimate needs no key"


def test_without_any_key_the_outline_writes(online: Online) -> None:
    told = online.run(link(0), ANTHROPIC_API_KEY="", ANTHROPIC_BASE_URL="")
    assert told.code == 0, told
    assert [entry["author"] for entry in online.log] == ["outline"]


def test_a_wrong_key_stops_the_run_at_once(online: Online) -> None:
    told = online.run(*ALL, "--workers", "1", ANTHROPIC_API_KEY=WRONG)
    assert online.claude.requests["/v1/messages"] == 1
    assert WRONG not in told.out + told.err
    assert stopped_at_the_first(online, told, "Claude refused the API key (401).", "Set ANTHROPIC_API_KEY")


def test_an_account_without_credit_stops_the_run_at_once(online: Online) -> None:
    online.claude.next.append(Behaviour(400, "Your credit balance is too low to access the Anthropic API."))
    told = online.run(*ALL, "--workers", "1")
    assert stopped_at_the_first(online, told, "The account at Claude has no credit left (400).", "Add credit")


def test_an_unknown_model_stops_the_run_at_once_and_costs_nothing(online: Online) -> None:
    told = online.run(*ALL, "--workers", "1", "--model", "claude-nonesuch")
    assert "cost unknown" not in told.out
    assert stopped_at_the_first(online, told, 'Claude knows no model "claude-nonesuch" (404).', "--model")


def test_a_model_that_ends_soon_is_warned_about_and_used(online: Online) -> None:
    online.claude.windows[OLD] = 200_000
    told = online.run(link(0), "--model", OLD)
    assert told.code == 0, told
    assert f"The model {OLD} ends on" in told.out
    assert [entry["model"] for entry in online.log] == [OLD]


def test_doctor_asks_claude_once_and_says_what_is_wrong(online: Online) -> None:
    good = online.program("doctor")
    assert good.code == 0, good
    assert "Claude answers as claude-sonnet-5-5." in good.out
    assert sum(online.claude.requests.values()) == 1
    (call,) = online.claude.calls
    assert call.request["max_tokens"] == 1
    wrong = online.program("doctor", ANTHROPIC_API_KEY=WRONG)
    assert wrong.code == 1, wrong
    assert "Claude refused the API key (401). Set ANTHROPIC_API_KEY to a valid key and start again." in wrong.out
    vain = online.program("doctor", YTSB_API_KEY_COMMAND="false")
    assert "`api_key_command` failed with exit code 1. Try the command in a terminal" in vain.out
    assert "ytsb-tui doctor" not in vain.out
    assert not any(secret in text for secret in (KEY, WRONG, PASSWORD) for text in (good.out, wrong.out))


def test_key_and_proxy_password_are_seen_by_nobody(online: Online) -> None:
    said: list[str] = []

    def tell(ended: Ended) -> None:
        said.extend((ended.out, ended.err))

    online.claude.next.append(Behaviour(400, f"Strange request with {KEY} in it."))
    tell(online.run(link(0), link(1), "--json"))
    online.claude.next.append(Behaviour(403, f"{KEY} may not do this."))
    tell(online.run(link(3)))
    online.world.router.password = "changed"
    tell(online.run(link(4)))
    tell(online.run(link(4), YTSB_PROXY=f"socks5://me:{PASSWORD}@127.0.0.1:1"))
    online.world.router.password = PASSWORD
    online.claude.next.append(Behaviour(ending="stall", after=0.2))
    with online.started(link(4)) as running:
        assert online.claude.stalled.wait(PATIENCE)
        assert "ytsb_tui run" in running.commands()
        said.append(running.commands())
    for command in ("doctor", "log"):
        tell(online.program(command))
    kept = [path for path in online.program.desk.parent.rglob("*") if path.is_file()]
    assert len(kept) >= 10
    said += [path.read_bytes().decode("latin-1") for path in kept]
    for secret in (KEY, PASSWORD):
        assert not any(secret in text for text in said)
    assert "[API key]" in "".join(said), "nobody repeated the key, so nothing was proved"
    assert "refuses its user name or password" in "".join(said)
