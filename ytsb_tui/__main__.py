"""The program as it is started: `ytsb-tui`, and `python -m ytsb_tui`."""

from __future__ import annotations

import signal


def main() -> None:
    """Load the program and run it; a Ctrl+C before it is loaded ends it without a word."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # whoever starts it in the background may have it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from ytsb_tui import cli

    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, before)
    cli.main()


if __name__ == "__main__":
    main()
