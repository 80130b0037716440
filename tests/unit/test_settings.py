"""What settings promise: later sources win, and what cannot be meant is told in words, with what may be meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ytsb_tui.errors import UsageError
from ytsb_tui.settings import KINDS, KNOWN, Settings, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def loaded(file: Path, text: str, environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    file.write_text(text, encoding="utf-8")
    return load(overrides, file=file, environment=environment or {})


def refusal(file: Path, text: str, environment: Mapping[str, str] | None = None, **overrides: Any) -> str:
    with pytest.raises(UsageError) as refused:
        loaded(file, text, environment, **overrides)
    return str(refused.value)


def test_without_anything_the_defaults_hold(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(file, "") == Settings()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    assert load({}, environment={}) == Settings()


def test_the_environment_goes_over_the_file_and_the_command_line_over_both(file: Path) -> None:
    text = 'workers = 4\nmodel = "file"\nbudget = 1\n'
    environment = {"YTSB_WORKERS": "5", "YTSB_MODEL": "environment", "OTHER_WORKERS": "9"}
    settings = loaded(file, text, environment, workers=6, author=None)
    assert (settings.workers, settings.model, settings.budget, settings.author) == (6, "environment", 1.0, "auto")


def test_a_misspelt_variable_is_told_and_what_may_be_meant(file: Path) -> None:
    told = refusal(file, "", {"YTSB_WORKER": "5"})
    assert told == "YTSB_WORKER: there is no setting `worker`. Did you mean `workers`?"


def test_every_setting_can_be_set_by_file_and_environment(file: Path) -> None:
    given = {
        "out": "vault",
        "subject": "Physics",
        "workers": 4,
        "author": "outline",
        "assessment": False,
        "pdf": False,
        "pdf_theme": "minimal",
        "themes": "css",
        "languages": ["de", "en-GB"],
        "notes_language": "fr",
        "model": "some-model",
        "base_url": "http://localhost:11434",
        "api_key_env": "MY_KEY",
        "api_key_command": "pass show key",
        "prices": "prices.toml",
        "budget": 2.5,
        "economy": True,
        "proxy": "socks5h://localhost:9050",
        "tor": False,
        "tor_cooldown_minutes": 30.0,
        "tor_refused_hours": 12.0,
        "tor_minutes": 20.0,
        "tor_uses": 10,
        "tor_reuse": True,
        "tor_deadline": 60.0,
        "tor_binary": "/opt/tor",
        "tor_options": "torrc",
        "tor_socks": "127.0.0.1:9050",
        "tor_control": "127.0.0.1:9051",
        "tor_password_env": "TOR_PASSWORD",
        "playlist_limit": 10,
        "fetch_deadline": 30.5,
        "fetch_limit": 1,
        "generate_limit": 2,
        "export_limit": 3,
        "retries": 0,
        "retry_minutes": 1.5,
        "notify": "bell",
        "theme": "nord",
    }
    assert given.keys() == KNOWN.keys() - {"keys"}
    lines = [
        f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for name, value in given.items()
    ]
    words = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}
    by_file = loaded(file, "\n".join(lines))
    by_environment = loaded(file, "", {f"YTSB_{name.upper()}": value for name, value in words.items()})
    assert by_file == by_environment
    plain = {item.name: getattr(by_file, item.name) for item in fields(by_file) if item.name in given}
    assert plain == given | {
        "out": Path("vault"),
        "themes": Path("css"),
        "prices": Path("prices.toml"),
        "tor_options": Path("torrc"),
        "languages": ("de", "en-GB"),
    }


def test_a_list_in_the_environment_or_on_the_command_line_is_separated_by_commas(file: Path) -> None:
    assert loaded(file, "", {"YTSB_LANGUAGES": "de, en-GB,"}).languages == ("de", "en-GB")
    assert loaded(file, "", languages="de, en-GB").languages == ("de", "en-GB")


def test_every_type_of_setting_can_be_told_in_words() -> None:
    assert {str(item.type) for item in KNOWN.values() if not str(item.type).startswith("Literal")} == KINDS.keys()


def test_the_home_folder_can_be_written_as_a_tilde(file: Path) -> None:
    settings = loaded(file, 'themes = "~/css"\n', {"YTSB_PRICES": "~/prices.toml"}, out=Path("~/vault"))
    home = Path.home()
    assert (settings.out, settings.themes, settings.prices) == (home / "vault", home / "css", home / "prices.toml")


def test_a_tilde_that_means_no_home_is_a_name(file: Path) -> None:
    assert loaded(file, "", out=Path("~nobody-of-that-name/vault")).out == Path("~nobody-of-that-name/vault")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("wrokers = 3", "there is no setting `wrokers`. Did you mean `workers`?"),
        ("generate_limits = 3", "there is no setting `generate_limits`. Did you mean `generate_limit`?"),
        ("xyzzy = 3", "there is no setting `xyzzy`."),
        ('language = "de"', "there is no setting `language`. Did you mean `notes_language` or `languages`?"),
        ("limit = 3", "there is no setting `limit`. Did you mean `playlist_limit`?"),
    ],
)
def test_an_unknown_setting_is_told_with_the_one_that_may_be_meant(file: Path, line: str, told: str) -> None:
    message = refusal(file, line)
    assert message.endswith(told)
    assert str(file) in message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('workers = "many"', "`workers` must be a whole number, not many."),
        ("workers = 2.5", "`workers` must be a whole number, not 2.5."),
        ("workers = true", "`workers` must be a whole number, not true."),
        ('author = "gpt"', "`author` must be one of auto, claude, outline, not gpt."),
        ('notify = ""', "`notify` must be one of toast, bell, desktop, not empty."),
        ('pdf = "perhaps"', "`pdf` must be true or false, not perhaps."),
        ("budget = 2026-01-01", "`budget` must be a number, not 2026-01-01."),
        ('retry_minutes = "soon"', "`retry_minutes` must be a number, not soon."),
        ("out = 7", "`out` must be a path in quotes, not 7."),
        ("tor_options = 7", "`tor_options` must be a path in quotes, not 7."),
        ('languages = "en"', '`languages` must be a list of texts such as ["en", "de"], not en.'),
        ("languages = [1]", '`languages` must be a list of texts such as ["en", "de"].'),
        ("[model]\nname = 1", "`model` must be a text in quotes."),
        ("keys = {a = 1}", '`keys` must be a table such as {"jobs.retry" = "e"} in the settings file.'),
        ("workers = 0", "`workers` must be from 1 to 64, not 0."),
        ("export_limit = 65", "`export_limit` must be from 1 to 64, not 65."),
        ("retries = -1", "`retries` must not be negative"),
        ("retry_minutes = 0", "`retry_minutes` must be above 0"),
        ("retry_minutes = nan", "`retry_minutes` must be above 0"),
        ("budget = 0", "`budget` must be above 0, not 0.0."),
        ("playlist_limit = 0", "`playlist_limit` must be at least 1"),
        ("fetch_deadline = 0", "`fetch_deadline` must be above 0 and not above 10,000, not 0.0."),
        ("fetch_deadline = inf", "`fetch_deadline` must be above 0 and not above 10,000, not inf."),
        ("retry_minutes = 1e300", "`retry_minutes` must be above 0 and not above 10,000"),
    ],
)
def test_a_value_that_cannot_be_meant_is_told(file: Path, line: str, told: str) -> None:
    assert told in refusal(file, line)


def test_a_wrong_value_of_the_environment_is_told(file: Path) -> None:
    assert refusal(file, "", {"YTSB_WORKERS": "three"}) == "`workers` must be a whole number, not three."


def test_other_keys_are_a_table_of_the_file(file: Path) -> None:
    assert loaded(file, 'keys = {"jobs.retry" = "e"}').keys == {"jobs.retry": "e"}
    assert "`keys` must be a table" in refusal(file, "", {"YTSB_KEYS": "jobs.retry=e"})


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ("workers = ", "at end of document"),
        ("workers = 3\nmodel\n", "line 2"),
        ("pdf = true\npdf = true\n", "Something is set twice (at line 2"),
        (f"workers = {'9' * 5000}", "a number in it has thousands of digits."),
        ("= 3", "line 1"),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_the_place(file: Path, broken: str, where: str) -> None:
    message = refusal(file, broken)
    assert str(file) in message
    assert where in message


def test_a_file_that_notepad_saved_is_read(file: Path) -> None:
    assert loaded(file, "\ufeffworkers = 5\r\n").workers == 5


def test_a_file_that_is_no_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"cannot be read: it is no text in UTF-8\."):
        load({}, file=file, environment={})


def test_a_file_that_was_named_must_exist(file: Path) -> None:
    with pytest.raises(UsageError, match="There is no settings file"):
        load({}, file=file, environment={})


@pytest.mark.parametrize("name", ["out", "themes", "prices", "tor_binary", "tor_options"])
def test_a_path_that_no_path_is_is_refused(file: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"`{name}` has a character that no path has"):
        loaded(file, f'{name} = "a\\u0000b"\n')
