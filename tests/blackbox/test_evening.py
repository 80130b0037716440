"""A whole evening of bad weather, in a minute: the run ends by itself and says of every job what became of it."""

from __future__ import annotations

import random
from collections import Counter

from tests.blackbox.program import Program
from tests.chaos.evening import spend
from tests.chaos.weather import TROUBLES


def test_in_bad_weather_every_job_ends_and_what_failed_is_finished_when_it_has_cleared(program: Program) -> None:
    report = spend(program, jobs=50, troubled=len(TROUBLES), dice=random.Random(0))
    assert report.wrong == [], str(report)
    assert report.first["done"] == 35, str(report)
    assert report.later == Counter(done=11, Unavailable=3, NoCaptions=1)
    for sentence in (
        "fetch: YouTube blocked this address (429). Wait until the pause is over",
        "fetch: The video has no captions. Drop a caption file of the video instead.",
        "fetch: The video is private. Check in a browser that the video plays without signing in.",
        "Claude has trouble of its own (500): Internal server error It is retried by itself",
        "tries the failed ones again now, from the stage that failed.",
    ):
        assert sentence in report.said, report.said
