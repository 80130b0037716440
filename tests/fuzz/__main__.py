"""Give every parser 100,000 inputs, or those named: `python -m tests.fuzz [--cases N] [NAME...]`.

Prints a table: parser, inputs, crashes, the slowest input in seconds of
computing. Every input is made from its number, so a run can be repeated.
What a parser did not bear is printed below its line. `keys` are sent to the app, as a
terminal does, on a vault with work to do: 200 inputs. Real captions beside
this checkout, or in the folder CAPTIONS names, are damaged as well.
"""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.cases import ENDLESS
from tests.fuzz.monkey import MONKEY
from tests.fuzz.parsers import PARSERS
from tests.fuzz.runner import Outcome, run

MIXED = 40


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("names", nargs="*", metavar="NAME")
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--endless", type=int, default=ENDLESS, help="characters of the endless inputs")
    given = options.parse_args()
    chosen = [parser for parser in (*PARSERS, MONKEY) if not given.names or parser.name in given.names]
    print(f"{'parser':<16}{'inputs':>9}{'crashes':>9}{'slowest':>11}")
    crashes = 0
    for parser in chosen:
        outcome = run(parser, given.cases // parser.dear, size=given.endless if parser.dear == 1 else 0, mixed=MIXED)
        crashes += len(outcome.findings)
        print(f"{parser.name:<16}{outcome.cases:>9,}{len(outcome.findings):>9}{outcome.slowest:>9.2f} s", flush=True)
        _explain(outcome)
    return bool(crashes)


def _explain(outcome: Outcome) -> None:
    if outcome.slowest > 2:
        print(f"  slowest: {_short(outcome.slowest_text)}")
    seen = set()
    for finding in outcome.findings:
        last = finding.trace.strip().rpartition("\n")[2][:200]
        if last not in seen:
            seen.add(last)
            print(f"  {_short(finding.text)}\n{finding.trace}")


def _short(text: str) -> str:
    return repr(text) if len(text) <= 600 else f"{text[:300]!r} ... {text[-300:]!r} ({len(text):,} characters)"


if __name__ == "__main__":
    sys.exit(main())
