"""Worlds in processes of their own, so that what they cost is not counted as the program's."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def apart(module: str, *arguments: str) -> Iterator[dict[str, str]]:
    """`python -m module`, which calls `hold`; the variables that lead to it."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield dict(line.rstrip("\n").split("=", 1) for line in iter(process.stdout.readline, "\n"))
        finally:
            process.stdin.close()


def hold(variables: Mapping[str, str]) -> None:
    """Tell the variables, and be there until the standard input ends."""
    print("\n".join(f"{name}={value}" for name, value in variables.items()), end="\n\n", flush=True)
    sys.stdin.read()
