"""What it takes until `ytsb-tui --version` has answered, beside a Python that does nothing."""

from __future__ import annotations

import resource
import subprocess
import sys

ROUNDS = 20
TARGET = 1.5
"""Times what click takes, which reads the command line."""


def main() -> None:
    nothing, click = least(["-c", "pass"]), least(["-c", "import click"])
    print(f"python -c pass: {nothing * 1000:.0f} ms of CPU; import click: {click / nothing:.1f} times as much")
    for name, arguments in (
        ("import ytsb_tui.cli", ["-c", "import ytsb_tui.cli"]),
        ("ytsb-tui --version", ["-m", "ytsb_tui", "--version"]),
        ("ytsb-tui --help", ["-m", "ytsb_tui", "--help"]),
    ):
        took = least(arguments)
        print(f"{name}: {took / nothing:.1f} times as much, {took / click:.2f} times click (target: below {TARGET})")


def least(arguments: list[str]) -> float:
    """Seconds of CPU, of user and system, that a new Python needs for this at the least."""
    needed = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        needed.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(needed)


if __name__ == "__main__":
    main()
