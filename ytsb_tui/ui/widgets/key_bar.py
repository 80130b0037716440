"""The key bar: as many keys as fit, the most useful first; each can be clicked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.segment import Segment
from textual import events
from textual.binding import ActiveBinding
from textual.strip import Strip
from textual.widget import Widget

LAST = ("app.help", "app.quit")
"""Always there, at the end."""


@dataclass(frozen=True)
class Cap:
    """One key on the bar."""

    key: str
    shown: str
    words: str
    tooltip: str
    enabled: bool
    left: int = 0

    @property
    def width(self) -> int:
        """Cells it takes."""
        return len(self.shown) + len(self.words) + 3


class KeyBar(Widget):
    """What can be pressed now; what cannot is dimmed."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {"keys--key", "keys--words", "keys--off"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._caps: list[Cap] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._lay_out())

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Choose what fits."""
        caps: dict[str, Cap] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.binding.id:
                caps.setdefault(active.binding.id, self._cap(active))
        last = [cap for name in LAST if (cap := caps.pop(name, None))]
        room = self.size.width - sum(cap.width for cap in last)
        chosen: list[Cap] = []
        for cap in caps.values():
            if (room := room - cap.width) < 0:
                break
            chosen.append(cap)
        self._caps, left = [], 0
        for cap in chosen + last:
            self._caps.append(replace(cap, left=left))
            left += cap.width
        self.refresh()

    def _cap(self, active: ActiveBinding) -> Cap:
        binding = active.binding
        tooltip = binding.tooltip or binding.description
        return Cap(binding.key, self.app.get_key_display(binding), binding.description, tooltip, active.enabled)

    def render_line(self, y: int) -> Strip:
        key, words, off = (self.get_component_rich_style(f"keys--{name}") for name in ("key", "words", "off"))
        segments = []
        for cap in self._caps:
            segments.append(Segment(f" {cap.shown} ", key if cap.enabled else off))
            segments.append(Segment(f"{cap.words} ", words if cap.enabled else off))
        return Strip(segments).adjust_cell_length(self.size.width, words)

    def _at(self, x: int) -> Cap | None:
        return next((cap for cap in self._caps if cap.left <= x < cap.left + cap.width), None)

    def on_click(self, event: events.Click) -> None:
        if cap := self._at(event.x):
            self.app.simulate_key(cap.key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        cap = self._at(event.x)
        self.tooltip = cap.tooltip if cap else None
