"""Where the workers' tools come from: what they share, made when it is first needed, and what each has for itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.services.captions.files import CaptionFiles
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.author import ClaudeAuthor, claude_author
from ytsb_tui.services.claude.models import retirement
from ytsb_tui.services.documents import MarkdownDocuments
from ytsb_tui.services.links.wikilinks import WikiLinks
from ytsb_tui.services.outline.author import OutlineAuthor
from ytsb_tui.services.pdf.pango import missing
from ytsb_tui.services.pdf.renderer import PdfRenderer
from ytsb_tui.services.tor.route import TorTranscripts
from ytsb_tui.services.tor.service import TorService
from ytsb_tui.services.vault.subjects import SubjectFolders
from ytsb_tui.services.vault.vault import Vault
from ytsb_tui.services.youtube.proxies import check_proxy
from ytsb_tui.services.youtube.transcripts import YouTubeTranscripts
from ytsb_tui.settings import PRIVATE, Settings
from ytsb_tui.stages import Author, Tools, Transcripts
from ytsb_tui.transcript import Transcript
from ytsb_tui.watch import Watch


def plan_of(settings: Settings) -> tuple[tuple[Stage, ...], tuple[str, ...]]:
    """The stages the settings ask for and this machine can run, and a sentence for each that it cannot."""
    plan = [stage for stage in Stage if stage is not Stage.ASSESSMENT or settings.assessment]
    notices: list[str] = []
    if not settings.pdf:
        plan.remove(Stage.EXPORT)
    elif (problem := missing()) is not None:
        plan.remove(Stage.EXPORT)
        notices.append(f"{problem} {problem.advice} Run the same command again to add the PDFs.")
    return tuple(plan), tuple(notices)


def author_of(settings: Settings, environment: Mapping[str, str], state: Path) -> Author:
    """Who writes: `auto` is Claude where there is a key or a server to ask, else the outline.

    Raises `BadSetup` or `UsageError` where the settings cannot work.
    """
    if settings.author == "outline":
        return OutlineAuthor()
    server = Server.of(settings, environment)
    if settings.author == "auto" and not server.key:
        return OutlineAuthor()
    return claude_author(settings, server, state)


class EitherTranscripts:
    """Caption files where they lie, videos from YouTube."""

    def __init__(self, files: Transcripts, youtube: Transcripts) -> None:
        self._files = files
        self._youtube = youtube

    def fetch(self, job: VideoProcessingJob, watch: Watch) -> Transcript:
        """The transcript of either; see `stages.Transcripts`."""
        return (self._files if job.is_file else self._youtube).fetch(job, watch)


class Workshop:
    """What all workers share, and the tools of each."""

    def __init__(self, settings: Settings, tor: TorService | None = None) -> None:
        """Make the vault, if need be; nothing heavy is loaded yet.

        Raises `YtsbError`, before anything is made, where the settings cannot work.
        """
        check_proxy(settings.proxy)
        self._settings = settings
        self._tor = tor
        self._pdfs = PdfRenderer(settings.pdf_theme, settings.themes, settings.export_limit)
        self.author: Author = author_of(settings, os.environ, settings.out / PRIVATE)
        """Who writes, for every worker."""
        self._vault = Vault(settings.out)
        self._links = WikiLinks(self._vault)

    def tools(self, number: int, watch: Watch) -> Tools:
        """The tools of worker `number`."""
        settings = self._settings

        def by(proxy: Callable[[], str]) -> YouTubeTranscripts:
            return YouTubeTranscripts(languages=settings.languages, proxy=proxy, deadline=settings.fetch_deadline)

        youtube: Transcripts = by(lambda: settings.proxy)
        if self._tor is not None:
            youtube = TorTranscripts(self._tor, number, by)
        return Tools(
            transcripts=EitherTranscripts(CaptionFiles(), youtube),
            author=self.author,
            subjects=SubjectFolders(self._vault),
            documents=MarkdownDocuments(),
            vault=self._vault,
            links=self._links,
            pdfs=self._pdfs,
            watch=watch,
        )

    def price_is_unknown(self) -> bool:
        """Whether nobody can say what the author's work will cost."""
        minute = VideoProcessingJob("", "", duration=60.0)
        return self.author.estimate(minute, Stage.NOTES).cost is None

    def prepare_author(self) -> str | None:
        """What the user should know before the author writes, a sentence; a second for Claude, whose SDK is loaded.

        Raises `BadSetup` when there is no key.
        """
        if not isinstance(self.author, ClaudeAuthor):
            return None
        self.author.warm()
        return retirement(self.author.model)

    def warm_renderer(self, watch: Watch) -> None:
        """Have something that draws PDFs at hand before there is one to draw."""
        self._pdfs.warm(watch)

    def sweep(self) -> None:
        """Remove what a killed process left behind; call it once the vault is ours."""
        self._vault.sweep()

    def close(self) -> None:
        """End the renderers and close the index of links."""
        self._pdfs.close()
        self._links.close()
