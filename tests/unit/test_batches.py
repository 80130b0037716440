"""Half the price: requests of all workers in one batch, which outlives the program and is paid for once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.authoring import PRICES, Watcher, api_at, author_at, job_on, talk
from tests.world.claude import Behaviour, Claude
from ytsb_tui.errors import (
    BadSetup,
    BadStart,
    Busy,
    Cancelled,
    Incomplete,
    NetworkTrouble,
    Permanent,
    Refused,
    StageError,
    Unreachable,
)
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.services.claude.author import ClaudeAuthor
from ytsb_tui.services.claude.batches import BatchDesk
from ytsb_tui.services.claude.messages_api import MessagesApi

JOB = job_on(talk(10))


@pytest.fixture
def claude() -> Iterator[Claude]:
    with Claude() as running:
        yield running
    assert running.bugs == []


def desk_at(claude: Claude, folder: Path, pause: Callable[[float], object] = lambda seconds: None) -> BatchDesk:
    """A desk as a program just started has it."""
    return BatchDesk(api_at(claude), folder / "batches.json", pause=pause, look=0.01)


class Queue:
    """Workers of which each has a job of its own; a batch is submitted when all of them wait for it."""

    def __init__(self, claude: Claude, folder: Path, jobs: Sequence[VideoProcessingJob]) -> None:
        self.bodies: list[str] = []
        self.errors: list[StageError] = []
        self._handed_in: set[int] = set()
        self._waiting: set[int] = set()
        self._full = threading.Event()
        author = ClaudeAuthor(desk_at(claude, folder, lambda seconds: self._full.wait(60)))

        def work(job: VideoProcessingJob) -> None:
            watcher = Watcher(lambda: self._wait(id(job), len(jobs)))
            try:
                self.bodies.append(author.notes(job, [], watcher).body)
            except StageError as error:
                self.errors.append(error)

        workers = [threading.Thread(target=work, args=(job,)) for job in jobs]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)

    def _wait(self, worker: int, of: int) -> None:
        """The second check of a worker comes after its request was handed in."""
        if worker in self._handed_in:
            self._waiting.add(worker)
        self._handed_in.add(worker)
        if len(self._waiting) == of:
            self._full.set()


def test_a_batch_gives_what_a_stream_gives_at_half_the_price(claude: Claude, tmp_path: Path) -> None:
    author = ClaudeAuthor(desk_at(claude, tmp_path))
    watcher = Watcher()
    notes = author.notes(JOB, [], watcher)
    assessment = author.assessment(replace(JOB, study_notes=notes.body), watcher)
    with Claude() as live:
        at_once = author_at(live).notes(JOB, [], Watcher())
    assert notes.body == at_once.body
    assert notes.usage.cost is not None
    assert at_once.usage.cost is not None
    assert notes.usage.cost == pytest.approx(at_once.usage.cost / 2)
    assert len(assessment.questions) == 6
    assert author.estimate(JOB, Stage.NOTES).cost == pytest.approx(
        (author_at(claude).estimate(JOB, Stage.NOTES).cost or 0) / 2
    )


def test_requests_of_all_workers_go_into_one_batch(claude: Claude, tmp_path: Path) -> None:
    queue = Queue(claude, tmp_path, [replace(JOB, transcript=talk(minutes)) for minutes in range(5, 13)])
    assert [len(batch.requests) for batch in claude.batches.values()] == [8]
    assert len(set(queue.bodies)) == 8


def until_running(watcher: Watcher) -> None:
    """Stop waiting as soon as the batch is known to run."""
    if any(text.startswith("batch msgbatch_") for _, text in watcher.told):
        raise Cancelled("Not today.")


def leave_running(claude: Claude, folder: Path) -> Watcher:
    """Submit a batch, wait till it runs, and go away with everything that worked on it."""
    claude.looks = 1_000_000
    watcher = Watcher()
    watcher.stop = lambda: until_running(watcher)
    with pytest.raises(Cancelled):
        ClaudeAuthor(desk_at(claude, folder)).notes(JOB, [], watcher)
    for thread in threading.enumerate():
        if thread.name == "batches":
            thread.join(30)
    return watcher


def test_who_waits_is_told_where_the_request_is(claude: Claude, tmp_path: Path) -> None:
    _, text = leave_running(claude, tmp_path).told[-1]
    assert text.startswith("batch msgbatch_0001 in progress, 0 of 1 done, since ")


def test_after_a_restart_the_running_batch_is_found_again(claude: Claude, tmp_path: Path) -> None:
    leave_running(claude, tmp_path)
    claude.batches["msgbatch_0001"].looks = 0
    notes = ClaudeAuthor(desk_at(claude, tmp_path)).notes(JOB, [], Watcher())
    assert notes.coverage == 1.0
    assert len(claude.batches) == len(claude.calls) == 1


def test_a_result_that_was_fetched_but_never_kept_is_not_paid_again(claude: Claude, tmp_path: Path) -> None:
    first = ClaudeAuthor(desk_at(claude, tmp_path)).notes(JOB, [], Watcher())
    second = ClaudeAuthor(desk_at(claude, tmp_path)).notes(JOB, [], Watcher())
    assert first == second
    assert len(claude.calls) == 1


def test_who_asks_again_in_the_same_run_wants_another_answer(claude: Claude, tmp_path: Path) -> None:
    author = ClaudeAuthor(desk_at(claude, tmp_path))
    claude.next.append(Behaviour(text="No sections here."))
    with pytest.raises(Incomplete):
        author.notes(JOB, [], Watcher())
    assert author.notes(JOB, [], Watcher()).coverage == 1.0


def test_a_batch_that_is_gone_is_submitted_anew(claude: Claude, tmp_path: Path) -> None:
    leave_running(claude, tmp_path)
    claude.batches.clear()
    claude.looks = 0
    assert ClaudeAuthor(desk_at(claude, tmp_path)).notes(JOB, [], Watcher()).coverage == 1.0
    assert len(claude.batches) == 1


@pytest.mark.parametrize(
    ("behaviour", "kind", "message"),
    [
        (Behaviour(stop="expired"), Busy, "expired before"),
        (Behaviour(stop="canceled"), Incomplete, "was cancelled at Anthropic"),
        (Behaviour(stop="refusal", message="No."), Refused, "declined"),
        (Behaviour(stop="max_tokens", after=0.0), Incomplete, "longer than 3"),
    ],
)
def test_a_request_that_got_no_answer_says_why_and_may_be_made_again(
    claude: Claude, tmp_path: Path, behaviour: Behaviour, kind: type[StageError], message: str
) -> None:
    author = ClaudeAuthor(desk_at(claude, tmp_path))
    claude.next.extend([behaviour] * (3 if behaviour.stop == "max_tokens" else 1))
    with pytest.raises(kind, match=message):
        author.notes(JOB, [], Watcher())
    assert author.notes(JOB, [], Watcher()).coverage == 1.0


def test_an_error_of_one_request_fails_that_request(claude: Claude, tmp_path: Path) -> None:
    author = ClaudeAuthor(desk_at(claude, tmp_path))
    claude.windows["claude-sonnet-5-5"] = 10
    with pytest.raises(StageError, match="too long"):
        author.notes(JOB, [], Watcher())


@pytest.mark.parametrize(("status", "kind"), [(401, BadStart), (429, Busy), (400, Permanent)])
def test_a_batch_that_is_not_taken_fails_all_its_requests(
    claude: Claude, tmp_path: Path, status: int, kind: type[StageError]
) -> None:
    claude.next.append(Behaviour(status, "No."))
    errors = Queue(claude, tmp_path, [replace(JOB, transcript=talk(minutes)) for minutes in (5, 6)]).errors
    assert [type(error) for error in errors] == [kind, kind]
    assert errors[0] is not errors[1], "each is to be added to by its own worker"


def test_trouble_while_looking_is_told_and_outlived(claude: Claude, tmp_path: Path) -> None:
    claude.looks = 3
    claude.troubled_looks = 2
    watcher = Watcher()
    assert ClaudeAuthor(desk_at(claude, tmp_path)).notes(JOB, [], watcher).coverage == 1.0


def test_a_file_of_tickets_that_is_broken_says_so_before_anything_is_asked(claude: Claude, tmp_path: Path) -> None:
    (tmp_path / "batches.json").write_text("[]")
    with pytest.raises(BadSetup, match=r"batches\.json cannot be read"):
        desk_at(claude, tmp_path).warm()
    assert not claude.requests


def test_no_connection_fails_the_submission(tmp_path: Path) -> None:
    with Claude() as claude:
        gone = MessagesApi(api_at(claude).server, PRICES)
    with pytest.raises(Unreachable):
        ClaudeAuthor(BatchDesk(gone, tmp_path / "batches.json", pause=lambda seconds: None)).notes(JOB, [], Watcher())


def forget_answer(folder: Path) -> None:
    """What a program leaves that is killed when a batch was sent and its name not written down yet."""
    file = folder / "batches.json"
    file.write_text(file.read_text().replace("msgbatch_0001", ""))


@pytest.mark.parametrize("ended", [True, False])
def test_a_batch_whose_name_was_never_written_down_is_found_and_not_sent_again(
    claude: Claude, tmp_path: Path, ended: bool
) -> None:
    leave_running(claude, tmp_path)
    forget_answer(tmp_path)
    claude.batches["msgbatch_0001"].looks = 0 if ended else 2
    assert ClaudeAuthor(desk_at(claude, tmp_path)).notes(JOB, [], Watcher()).coverage == 1.0
    assert len(claude.batches) == len(claude.calls) == 1


def test_a_batch_that_never_arrived_is_sent(claude: Claude, tmp_path: Path) -> None:
    leave_running(claude, tmp_path)
    forget_answer(tmp_path)
    claude.batches.clear()
    claude.looks = 0
    assert ClaudeAuthor(desk_at(claude, tmp_path)).notes(JOB, [], Watcher()).coverage == 1.0
    assert len(claude.batches) == len(claude.calls) == 1


def test_a_batch_of_somebody_else_is_not_taken_for_ones_own(claude: Claude, tmp_path: Path) -> None:
    """The same number of requests, at the same time, through the same account."""
    leave_running(claude, tmp_path)
    forget_answer(tmp_path)
    claude.looks = 0
    ours = claude.batches["msgbatch_0001"]
    ours.looks = 0
    claude.submit([{**ours.requests[0], "custom_id": "theirs"}])
    assert ClaudeAuthor(desk_at(claude, tmp_path)).notes(JOB, [], Watcher()).coverage == 1.0
    assert len(claude.batches) == 2


def test_a_connection_that_breaks_off_while_a_batch_is_sent_does_not_send_it_twice(
    claude: Claude, tmp_path: Path
) -> None:
    claude.next.append(Behaviour(ending="cut"))
    desk = desk_at(claude, tmp_path)
    with pytest.raises(NetworkTrouble):
        ClaudeAuthor(desk).notes(JOB, [], Watcher())
    assert ClaudeAuthor(desk).notes(JOB, [], Watcher()).coverage == 1.0
    assert len(claude.batches) == len(claude.calls) == 1
