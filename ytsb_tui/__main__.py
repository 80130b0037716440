"""`python -m ytsb_tui` is `ytsb-tui`."""

from ytsb_tui.cli import main

main()
