"""The commands of `ytsb-tui`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ytsb_tui import __version__
from ytsb_tui.completing import files, folders, job_ids
from ytsb_tui.errors import UsageError, YtsbError, from_os_error
from ytsb_tui.first_word import Commands
from ytsb_tui.plaintext import visible
from ytsb_tui.wording import counted

if TYPE_CHECKING:
    from ytsb_tui.job_logger import JobLogger
    from ytsb_tui.settings import Settings
    from ytsb_tui.source import Source

FAILED, USAGE = 1, 2
Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--config", type=click.Path(path_type=Path), help="Read settings from this TOML file.")
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Study notes and quizzes from YouTube videos and caption files, in one Obsidian vault.

    \b
      ytsb-tui                               the app, on the vault in ./notes
      ytsb-tui https://youtu.be/ID talk.srt  ... with these to work on
      ytsb-tui demo                          three bundled lectures, no key, no network
      ytsb-tui run https://youtu.be/ID       without the app, for scripts and pipes
      ytsb-tui run -f course.txt             ... of everything a text names
      ytsb-tui retry --failed                failed jobs again, from the stage that failed
      ytsb-tui doctor                        what works here, what is missing, how to get it
    """
    context.obj = config


def settings_options(command: Command) -> Command:
    """The options that all commands share that work; each is a setting of the same name."""
    options = [
        click.option("--workers", type=int, help="Jobs worked on at once.  [default: 3]"),
        click.option(
            "--author",
            type=click.Choice(["auto", "claude", "outline"]),
            help="Who writes; auto is Claude where there is a key or --base-url, else the offline outline.",
        ),
        click.option("--no-assessment", "assessment", flag_value=False, default=None, help="Write no quizzes."),
        click.option("--no-pdf", "pdf", flag_value=False, default=None, help="Draw no PDFs."),
        click.option("--pdf-theme", help="obsidian, academic, minimal, default, or a stylesheet of your own."),
        click.option("--model", help="Claude's model id.  [default: the current Sonnet]"),
        click.option("--base-url", help="Another server that speaks the Messages API: Ollama, llama.cpp, vLLM ..."),
        click.option("--language", "notes_language", help="Write notes in this language.  [default: the video's]"),
        click.option("--languages", help="Caption languages, best first, such as en,de.  [default: en]"),
        click.option("--budget", type=float, help="Start no paid stage that would exceed this many US dollars."),
        click.option("--economy", is_flag=True, default=None, help="Half the price, up to a day of waiting."),
        click.option("--proxy", help="http://, https:// or socks5h:// proxy for everything asked of YouTube."),
        click.option("--tor/--no-tor", default=None, help="Ask YouTube over Tor only, a circuit for each worker."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def json_option(command: Command) -> Command:
    """Whether a program reads what is printed."""
    return click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")(command)


def vault_option(command: Command) -> Command:
    """Which vault a command is about."""
    return click.option(
        "--out", type=click.Path(path_type=Path), shell_complete=folders, help="The vault.  [default: notes]"
    )(command)


@cli.command("open")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", shell_complete=files)
@click.option(
    "-f", "--file", "lists", multiple=True, metavar="FILE", shell_complete=files, help="Read sources from a text."
)
@click.option("--subject", help="File every note under this folder.  [default: one that fits each]")
@click.option("--limit", "playlist_limit", type=int, help="Videos taken of a playlist or channel.  [default: 500]")
@vault_option
@settings_options
@click.pass_obj
def open_app(config: Path | None, /, sources: tuple[str, ...], lists: tuple[str, ...], **given: Any) -> int:
    """Open the vault in the app, and queue every SOURCE. The word `open` may be left out.

    \b
      ytsb-tui
      ytsb-tui --out ~/Vault
      ytsb-tui https://youtu.be/ID "lecture 4.srt"
    """
    from ytsb_tui import settings

    chosen = settings.load(given, file=config)
    if not _has_screen():
        raise UsageError("The app needs a terminal.", advice="Use `ytsb-tui run` where there is none.")
    if not sources and not lists:
        return _open(chosen)
    from ytsb_tui.ordering import read_orders

    order = read_orders(sources, lists)
    return _open(chosen, order.sources, order.complaints())


def _has_screen() -> bool:
    """Whether there is a terminal, or a browser that stands for one."""
    return "TEXTUAL_DRIVER" in os.environ or (sys.stdin.isatty() and sys.stdout.isatty())


def _open(chosen: Settings, sources: Sequence[Source] = (), complaints: Sequence[str] = ()) -> int:
    """Show a vault until the user leaves it; returns the exit code."""
    gc.disable()  # until the first frame: nothing of what is loaded for it is garbage
    from ytsb_tui.ui.app import YtsbApp

    app = YtsbApp(chosen, sources=sources, complaints=complaints)
    if (error := app.run()) is not None:
        raise error
    click.echo(f"The vault is {chosen.out}")
    return app.return_code or 0


@cli.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", shell_complete=files)
@click.option(
    "-f", "--file", "lists", multiple=True, metavar="FILE", shell_complete=files,
    help="Read sources from a text; - for stdin.",
)  # fmt: skip
@click.option("--subject", help="File every note under this folder.  [default: one that fits each]")
@click.option("--limit", "playlist_limit", type=int, help="Videos taken of a playlist or channel.  [default: 500]")
@click.option("--estimate", is_flag=True, help="Say what the list would cost, without spending anything.")
@vault_option
@settings_options
@json_option
@click.pass_obj
def run(
    config: Path | None,
    /,
    sources: tuple[str, ...],
    lists: tuple[str, ...],
    estimate: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Make notes, quizzes and PDFs of every SOURCE.

    A SOURCE is a video, playlist or channel URL, an @handle, a bare video id,
    a saved web page (.html), or a caption file (.srt, .vtt, .json3, .srv3,
    .txt ...). With -f any text will do: links are found in prose, Markdown,
    HTML and tables.

    What is finished is never done twice: run the same command again after a
    crash, and it goes on where it stopped. Exit code: 0 all good, 1 some jobs
    failed, 2 nothing could be started, 130 interrupted.

    \b
      ytsb-tui run https://youtu.be/ID "lecture 4.srt" @channel
      ytsb-tui run -f course.txt --subject Physics --workers 5
      ytsb-tui run -f course.txt --estimate
    """
    from ytsb_tui import headless, settings
    from ytsb_tui.ordering import read_orders

    chosen = settings.load(given, file=config)
    order = read_orders(sources, lists)
    with headless.Run(chosen, as_json=as_json) as work:
        return work.order(order, estimate=estimate)


@cli.command()
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=job_ids)
@click.option("--failed", is_flag=True, help="Every failed job.")
@click.option("--watch", is_flag=True, help="Stay, and run each automatic retry when it is due.")
@click.option(
    "--from",
    "restart_at",
    type=click.Choice(["fetch", "notes", "assessment", "write", "links", "export"]),
    help="Run this stage and all after it again, whatever is finished; notes you changed are kept aside.",
)
@vault_option
@settings_options
@json_option
@click.pass_obj
def retry(
    config: Path | None,
    /,
    ids: tuple[str, ...],
    failed: bool,
    watch: bool,
    restart_at: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Run jobs of the vault again, each from the stage that failed.

    Without an ID or --failed: everything that is not finished, so also what
    was interrupted or cancelled.

    \b
      ytsb-tui retry --failed
      ytsb-tui retry dQw4w9WgXcQ --from notes
      ytsb-tui retry --watch
    """
    from ytsb_tui import headless, settings

    chosen = settings.load(given, file=config)
    _check_vault(chosen.out)
    with headless.Run(chosen, as_json=as_json) as work:
        return work.retry(ids, failed_only=failed, watch=watch, restart_at=restart_at)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("ytsb-demo"), show_default=True, help="The vault.")
@click.option("--plain", is_flag=True, help="Without the app, as in a pipe.")
@settings_options
@json_option
@click.pass_obj
def demo(config: Path | None, /, out: Path, plain: bool, as_json: bool, **given: Any) -> int:
    """Make a small vault from three bundled lectures: no key, no network.

    \b
      ytsb-tui demo
      ytsb-tui demo --out ~/try --pdf-theme academic
    """
    from ytsb_tui import settings
    from ytsb_tui.ordering import read_orders
    from ytsb_tui.samples import samples

    given["author"] = given["author"] or "outline"
    chosen = settings.load({"out": out, **given}, file=config)
    order = read_orders([str(path) for path in samples()], ())
    if _has_screen() and not plain and not as_json:
        return _open(chosen, order.sources)
    from ytsb_tui import headless

    with headless.Run(chosen, as_json=as_json) as work:
        return work.order(order)


@cli.group(invoke_without_command=True)
@click.option("--failed", is_flag=True, help="Failed attempts only.")
@click.option(
    "-n", "--last", type=click.IntRange(min=0), default=20, show_default=True, help="How many, newest last; 0 for all."
)
@vault_option
@click.pass_context
def log(context: click.Context, failed: bool, last: int, out: Path | None) -> None:
    """Every attempt at every job, from the vault's processing_log.json.

    \b
      ytsb-tui log --failed
      ytsb-tui log stats
      ytsb-tui log export-csv attempts.csv
    """
    from ytsb_tui import log_view

    if context.invoked_subcommand is None:
        log_view.show_attempts(_log_of(context, out), failed=failed, last=last)


def _log_of(context: click.Context, out: Path | None) -> JobLogger:
    """The log of the vault `out`, else of the one named before the subcommand."""
    from ytsb_tui import log_view, settings

    before = context.parent.params.get("out") if context.parent else None
    root = settings.load({"out": out or before}, file=context.obj).out
    _check_vault(root)
    return log_view.open_log(root)


def _check_vault(root: Path) -> None:
    if not root.is_dir():
        raise UsageError(f"There is no vault {root}.", advice="Name it with --out.")


@log.command()
@vault_option
@click.pass_context
def stats(context: click.Context, out: Path | None) -> None:
    """Success rate, where the time went, and how each worker fared.

    \b
      ytsb-tui log stats --out ~/Vault
    """
    from ytsb_tui import log_view

    log_view.show_statistics(_log_of(context, out))


@log.command("export-csv")
@click.argument("file", type=click.Path(path_type=Path))
@vault_option
@click.pass_context
def export_csv(context: click.Context, file: Path, out: Path | None) -> None:
    """Write every attempt as a row of FILE, for a spreadsheet; - for stdout.

    \b
      ytsb-tui log export-csv attempts.csv
      ytsb-tui log export-csv - | head -n 3
    """
    logger = _log_of(context, out)
    if str(file) == "-":
        logger.print_csv(sys.stdout.buffer)
    else:
        click.echo(f"{counted(logger.export_csv(file), 'attempt')} written to {file}")


@cli.command()
@vault_option
@click.option("--proxy", help="The proxy to check.")
@click.option("--tor/--no-tor", default=None, help="Start Tor, and see how far it gets.")
@click.option("--model", help="The model to check.")
@click.option("--base-url", help="The server to check.")
@click.pass_obj
def doctor(config: Path | None, /, **given: Any) -> int:
    """What works here, what is missing, and how to get it. Makes and changes nothing.

    \b
      ytsb-tui doctor
      ytsb-tui doctor --out ~/Vault --proxy socks5h://127.0.0.1:9050
    """
    from ytsb_tui import doctor, settings

    return doctor.examine(settings.load(given, file=config))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands and options in SHELL.

    \b
      bash   ytsb-tui completion bash > ~/.local/share/bash-completion/completions/ytsb-tui
      zsh    ytsb-tui completion zsh > ~/.zfunc/_ytsb-tui
      fish   ytsb-tui completion fish > ~/.config/fish/completions/ytsb-tui.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(cli, {}, "ytsb-tui", "_YTSB_TUI_COMPLETE").source())


def main() -> None:
    """Run the program; errors it raises on purpose are told in a line, with what to do next."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = cli(standalone_mode=False, prog_name="ytsb-tui")
    except click.ClickException as error:
        shown = StringIO()
        error.show(file=shown)
        click.echo(visible(shown.getvalue()), err=True, nl=False)
        code = USAGE
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except YtsbError as error:
        click.echo(visible(f"ytsb-tui: {error} {error.advice}".rstrip()), err=True)
        code = USAGE
    except OSError as error:
        code = _unheard(error)
    sys.exit(code)


def _unheard(error: OSError) -> int:
    """Say why nothing can be printed, unless it is that nobody listens, and have Python not try it again at its end."""
    if not isinstance(error, BrokenPipeError):
        click.echo(visible(f"ytsb-tui: {from_os_error(error, str(error.filename or 'printing'))}"), err=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
