"""Transcripts from caption files."""

from __future__ import annotations

import re
from pathlib import Path

from ytsb_tui import caption_file, plaintext, source
from ytsb_tui.errors import BadCaptions
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.captions import cues, timedtext
from ytsb_tui.transcript import Cue, Transcript
from ytsb_tui.watch import Watch

LANGUAGE = re.compile(r"\.((?:[a-z]{2}|ceb|fil|haw|hmn|yue)(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?)(?:-[\w-]+)?$")
"""The last part of a name without its suffix: `en`, `zh-TW`, `zh-Hans`, `es-419`, `en-orig`."""


class CaptionFiles:
    """Reads the caption files that jobs name."""

    def fetch(self, job: VideoProcessingJob, watch: Watch) -> Transcript:
        """The transcript in the file `job.url`. Raises `BadCaptions`."""
        path = Path(job.url)
        data = caption_file.load(path)
        watch.check()
        title, language = name_parts(path.name)
        try:
            track = timedtext.parse(plaintext.decode(data), plain=path.suffix.lower() == ".txt")
            said = cues.tidy(track)
        except BadCaptions as error:
            raise BadCaptions(f"{path.name}: {error}") from error
        if track.kind in {"chapters", "metadata"} or ".chapters." in path.name.lower() or _are_chapters(said):
            raise BadCaptions(
                f"{path.name} holds the video's chapters, not its captions.",
                advice="Give the captions of the video instead, or its link.",
            )
        return Transcript(
            cues=said,
            title=title,
            duration=max(cue.end for cue in said),
            language=language or track.language,
            captions="automatic" if track.automatic else "unknown",
            method="caption file",
            timed=track.timed,
        )


def name_parts(name: str) -> tuple[str, str]:
    """The title and the language that a file's name tells: `My_talk [ID].zh-TW.srt`."""
    stem = plaintext.one_line(name)
    while stem.lower().endswith(caption_file.SUFFIXES):
        stem = stem.rpartition(".")[0]
    told = LANGUAGE.search(stem)
    if told:
        stem = stem[: told.start()]
    return plaintext.one_line(source.ID_IN_NAME.sub("", stem).replace("_", " ")), told[1] if told else ""


def _are_chapters(said: tuple[Cue, ...]) -> bool:
    """Whether headings are shown for minutes, rather than speech for seconds."""
    lengths = [cue.end - cue.start for cue in said[:-1]]
    return len(lengths) > 1 and min(lengths) >= 15 and sum(len(cue.text) for cue in said[:-1]) < sum(lengths)
