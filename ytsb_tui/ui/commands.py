"""What a user can do on the main screen: the keys, and why one cannot be used now."""

from __future__ import annotations

from textual.binding import Binding

from ytsb_tui.ui.session import Session

KEYS = [
    Binding("a", "add", "Add", id="jobs.add", tooltip="Add videos, playlists and caption files"),
    Binding("enter", "read", "Read", id="jobs.read", tooltip="Read the notes and the quiz of this job"),
    Binding("r", "retry", "Retry", id="jobs.retry",
            tooltip="Try this job, or the marked ones, again from where it failed"),
    Binding("R,shift+r", "retry_failed", "Retry all", id="jobs.retry_failed",
            tooltip="Try every failed job again, each from where it failed"),
    Binding("ctrl+r", "restart", "Start over", id="jobs.restart", show=False,
            tooltip="Start this job, or the marked ones, over"),
    Binding("x", "cancel", "Cancel", id="jobs.cancel", tooltip="Stop working on this job, or the marked ones"),
    Binding("space", "mark", "Mark", id="jobs.mark", show=False, tooltip="Mark this job for r, x and ctrl+r"),
    Binding("p", "pause", "Pause", id="run.pause", tooltip="Begin no further job, or go on; pauses end then too"),
    Binding("plus,equals_sign", "workers(1)", "More workers", id="run.more", show=False, tooltip="One worker more"),
    Binding("minus", "workers(-1)", "Fewer workers", id="run.fewer", show=False, tooltip="One worker less"),
    Binding("slash", "filter", "Filter", id="view.filter", tooltip="Show only jobs with these words"),
    Binding("f", "failed_only", "Failed only", id="view.failed", show=False, tooltip="Show failed jobs only, or all"),
    Binding("escape", "everything", "Show all", id="view.all", show=False, tooltip="Drop the filter and the marks"),
    Binding("d", "detail", "Detail", id="view.detail", show=False, tooltip="Show or hide the detail pane"),
    Binding("o", "open", "Open file", id="jobs.open", show=False,
            tooltip="Open the notes with the system's program"),
    Binding("O,shift+o", "open_pdf", "Open PDF", id="jobs.open_pdf", show=False,
            tooltip="Open the PDF with the system's program"),
    Binding("y", "copy", "Copy error", id="jobs.copy", show=False, tooltip="Copy the error and its advice"),
    Binding("l", "log", "Log", id="show.log", tooltip="Every attempt there ever was"),
    Binding("s", "statistics", "Statistics", id="show.statistics", show=False, tooltip="Where the time goes"),
    Binding("c", "circuits", "Circuits", id="show.circuits", show=False, tooltip="Tor circuits and exits"),
    Binding("t", "circuit", "New circuit", id="tor.new", show=False, tooltip="Another Tor circuit for this worker"),
    Binding("T,shift+t", "circuit_all", "All new circuits", id="tor.new_all", show=False,
            tooltip="Another Tor circuit for every worker"),
]  # fmt: skip

TOR = {"circuits", "circuit", "circuit_all"}
WORKING = {"add", "retry", "retry_failed", "restart", "cancel", "pause", "workers"} | TOR
"""What only whoever works on the vault can do."""


def why_not(action: str, session: Session) -> str | None:
    """Why an action cannot be used now; None when it can."""
    if action in TOR and session.is_ready and session.tor is None:
        return f"Tor is not in use: videos are fetched {'through the proxy' if session.settings.proxy else 'directly'}."
    if action in WORKING and session.owned_by is not None and action != "pause":
        return f"This window only looks on. {session.owned_by}"
    if action == "workers" and session.settings.economy:
        return "In economy mode every job has a worker of its own, which waits for its batch."
    if action in WORKING - {"add"} and not session.is_ready and session.owned_by is None:
        return "The vault is still being opened."
    return None
