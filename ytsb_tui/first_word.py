"""What the first word of a command line means: a command, a misspelt one, or something to open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ytsb_tui.completing import files

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PLAIN = re.compile(r"[A-Za-z-]+")
"""What a command may look like; links, handles and file names have other characters too."""


class Commands(click.Group):
    """Commands of which one, `default`, needs not be named: `ytsb-tui LINK` is `ytsb-tui open LINK`."""

    default = "open"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in front of what belongs to it, unless a shell asks what could come next."""
        place = self._after_own_options(ctx, args)
        word = args[place] if place < len(args) else ""
        asks = {"-h", "--help", "--version"} & set(args[: place + 1])
        if word not in self.commands and not asks and not ctx.resilient_parsing:
            self._check_spelling(ctx, word)
            args = [*args[:place], self.default, *args[place:]]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """The commands, and where none begins so, files to open."""
        return super().shell_complete(ctx, incomplete) or files(ctx, None, incomplete)

    def _after_own_options(self, ctx: click.Context, args: list[str]) -> int:
        """Where the group's own options end."""
        valued = {name for param in self.params if not getattr(param, "is_flag", False) for name in param.opts}
        place = 0
        while place < len(args) and (args[place] in valued or args[place].partition("=")[0] in valued):
            place += 1 if "=" in args[place] else 2
        return min(place, len(args))

    def _check_spelling(self, ctx: click.Context, word: str) -> None:
        if not PLAIN.fullmatch(word) or word.startswith("-") or Path(word).exists():
            return
        import difflib  # what most commands never need is not loaded for them

        from ytsb_tui.source import ID, is_bare_id

        if is_bare_id(word):
            return
        close = difflib.get_close_matches(word, self.commands, n=1)
        if not close and ID.fullmatch(word):
            return
        ctx.fail(f"No such command '{word}'." + (f" Did you mean '{close[0]}'?" if close else ""))
