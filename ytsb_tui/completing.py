"""What a shell offers while a command line is written. Whatever is wrong, it offers nothing and says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ytsb_tui.errors import YtsbError
from ytsb_tui.plaintext import one_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    Items = list[CompletionItem[str]]

TITLED = 100
"""Jobs whose titles are shown beside their ids: nobody reads more of them."""
LONGEST = 60
"""Characters of a title."""


def files(context: click.Context, parameter: click.Parameter | None, begun: str) -> Items:
    """Files and folders, by the shell's own means."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(begun, type="file")]


def folders(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
    """Folders, by the shell's own means."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(begun, type="dir")]


def job_ids(context: click.Context, parameter: click.Parameter, begun: str) -> Items:
    """The jobs of the vault that the line names so far, what is not done first, each with its title."""
    from click.shell_completion import CompletionItem

    from ytsb_tui import settings
    from ytsb_tui.glance import Glance

    try:
        config: Path | None = context.find_root().params.get("config")
        glance = Glance(settings.load({"out": context.params.get("out")}, file=config).out)
        named = set(context.params.get("ids") or ())
        # What begins with a dash would be an option, unless a `--` stands before it.
        ids = [
            name for name in glance.ids() if name.startswith(begun) and name not in named and (begun or name[0] != "-")
        ]
        titles = {each.brief.video_id: each.brief.video_title for each in glance.jobs(ids[:TITLED])}
        glance.close()
    except (YtsbError, OSError):
        return []
    return [CompletionItem(name, help=one_line(titles.get(name, ""))[:LONGEST] or None) for name in ids]
