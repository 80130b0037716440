"""Kill the program two hundred times and more: `python -m tests.chaos [--rounds N] [--jobs N] [--seed N] [PLAN...]`.

A plan is one of captions, pdfs, videos, batches, whose runs are killed, and
evening, a long run among servers in trouble; all of them by default. Ends with
1 when anything was lost, doubled, repeated or left half done, or a kill that
was aimed at a place never came there.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.blackbox.program import Program
from tests.chaos import plans
from tests.chaos.blows import why_not_aimed
from tests.chaos.campaign import Account
from tests.chaos.evening import Report, spend

SHARES = {"captions": 0.5, "pdfs": 0.1, "videos": 0.34, "batches": 0.06}
"""Of the rounds."""
PLANS = (*SHARES, "evening")
JOBS = {"captions": 40, "pdfs": 6, "videos": 40, "batches": 6}
TROUBLED = 0.05
"""Of the jobs of an evening."""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--rounds", type=int, default=250, help="kills in all")
    parser.add_argument("--jobs", type=int, default=3000, help="jobs of the evening")
    parser.add_argument("--seed", type=int, default=0)
    # Where none is named, argparse looks for the default among the choices.
    parser.add_argument("plans", nargs="*", metavar="PLAN", choices=[[], *PLANS], help=f"{', '.join(PLANS)}; all")
    given = parser.parse_args(arguments)
    given.plans = given.plans or list(PLANS)
    return given


def main() -> None:
    """Run the plans and print the account of each."""
    given = options(sys.argv[1:])
    if why_not_aimed():
        print(f"Kills cannot be aimed: {why_not_aimed()}. At random moments only.")
    clean = True
    chosen = [name for name in SHARES if name in given.plans]
    whole = sum(SHARES[name] for name in chosen)
    for name in chosen:
        rounds = max(1, round(given.rounds * SHARES[name] / whole))
        began = time.monotonic()
        print(f"== {name}: {JOBS[name]} jobs, seed {given.seed}", flush=True)
        account = campaign(name, rounds, given.seed)
        print(account, f"in {time.monotonic() - began:.0f} s", flush=True)
        clean &= account.clean
    if "evening" in given.plans:
        print(f"== evening: {given.jobs} jobs, seed {given.seed}", flush=True)
        report = evening(given.jobs, given.seed)
        print(report, flush=True)
        clean &= not report.wrong
    sys.exit(not clean)


def campaign(name: str, rounds: int, seed: int) -> Account:
    """One plan, so many rounds of it."""
    account, dice = Account(), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder, "desk"))
        program.desk.mkdir()
        match name:
            case "captions":
                plans.captions(program, JOBS[name]).run(program, rounds, dice, account)
            case "pdfs":
                plans.pdfs(program, JOBS[name]).run(program, rounds, dice, account)
            case _:
                with plans.videos(program, JOBS[name], economy=name == "batches") as (plan, reaching):
                    plan.run(reaching, rounds, dice, account)
    return account


def evening(jobs: int, seed: int) -> Report:
    """A long run in bad weather."""
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder, "desk"))
        program.desk.mkdir()
        return spend(program, jobs, round(jobs * TROUBLED), random.Random(seed))


if __name__ == "__main__":
    main()
