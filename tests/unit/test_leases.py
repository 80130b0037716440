"""Leases over the control protocol: popped, used and returned; who moves, who rests, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.canned import HandClock
from tests.unit.leasing import HOUR, Office, built, exit_of, hold, office, patient, pretended
from tests.world.tor_control import FakeTor, Relay, exits
from ytsb_tui.circuits import Circuit
from ytsb_tui.errors import TorTrouble
from ytsb_tui.events import Event
from ytsb_tui.services.tor.exits import ExitBook
from ytsb_tui.services.tor.lease import Lease, credential
from ytsb_tui.services.tor.leases import GRACE, Leases, Terms
from ytsb_tui.services.tor.socks import Address, open_stream


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeTor]:
    with pretended(tmp_path) as running:
        yield running


@pytest.fixture
def desk(fake: FakeTor, tmp_path: Path) -> Iterator[Office]:
    with office(fake, tmp_path / "exits.json") as made:
        yield made


def test_a_worker_keeps_its_circuit_from_fetch_to_fetch(desk: Office) -> None:
    first, second = desk.take(0), desk.take(0)
    assert (first.name, first.uses, second.uses) == (second.name, 1, 2)
    (move,) = desk.moves()
    assert (move.worker_id, move.before, move.why) == (0, None, "first")


def test_workers_never_share_an_address(desk: Office) -> None:
    assert len({desk.address(worker) for worker in range(4)}) == 4


def test_relays_of_one_address_are_one_exit(tmp_path: Path) -> None:
    twins = [Relay("exit0", "127.67.1.1"), Relay("twin0", "127.67.1.1"), Relay("exit1", "127.67.1.2")]
    with pretended(tmp_path, twins) as fake, office(fake, tmp_path / "exits.json") as desk:
        assert {desk.address(0), desk.address(1)} == {"127.67.1.1", "127.67.1.2"}


def test_a_circuit_is_exchanged_after_an_hour(desk: Office) -> None:
    desk.fake.options["maxcircuitdirtiness"] = "4200"
    first = desk.take(0)
    desk.clock.at += HOUR - 1
    assert desk.take(0).name == first.name
    desk.clock.at += 1
    second = desk.take(0)
    assert exit_of(second) != exit_of(first)
    assert desk.moves()[-1].why == "1 h old"


def test_a_circuit_is_given_up_before_a_tor_of_somebody_else_s_would_exchange_it(desk: Office) -> None:
    desk.fake.options["maxcircuitdirtiness"] = "600"
    first = desk.take(0)
    desk.clock.at += 540
    assert desk.take(0).name != first.name
    assert desk.moves()[-1].why == "9 min old"


def test_a_circuit_is_exchanged_after_so_many_uses(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json", tor_uses=3) as desk:
        names = [desk.take(0).name for _ in range(4)]
        assert names[0] == names[2] != names[3]
        assert desk.moves()[-1].why == "3 uses"


def test_a_refused_exit_rests_for_a_day_and_the_worker_has_another(desk: Office) -> None:
    with hold(desk, 0) as lease:
        desk.tor.refused(lease)
    refused = exit_of(lease.circuit)
    assert desk.address(0) != refused
    assert desk.moves()[-1].why == "refused"
    assert desk.resting()[refused] == (24 * HOUR, "refused")
    desk.tor.give_back(0)
    (score,) = [one for one in desk.tor.circuits().scores if one.exit.address == refused]
    assert (score.successes, score.refusals) == (0, 1)


def test_a_returned_exit_rests_for_an_hour_and_is_then_taken_again(tmp_path: Path) -> None:
    with pretended(tmp_path, 1) as fake, office(fake, tmp_path / "exits.json") as desk:
        address = desk.address(0)
        desk.tor.give_back(0)
        desk.until(lambda: [one.exit.address for one in desk.tor.circuits().resting] == [address])
        (rest,) = desk.tor.circuits().resting
        assert (rest.until - desk.clock.at, rest.why) == (HOUR, "used")
        desk.clock.at += HOUR - 1
        desk.until(lambda: not desk.tor.circuits().circuits)
        desk.clock.at += 1
        desk.runs = 1
        assert desk.address(1) == address


def test_an_exit_that_was_only_prepared_does_not_rest(desk: Office) -> None:
    used = desk.address(0)
    desk.until_full()
    desk.tor.rotate_all()
    desk.until(lambda: len(desk.moves()) == 2)
    desk.until(lambda: set(desk.resting()) == {used})


def test_what_rests_rests_across_restarts(fake: FakeTor, tmp_path: Path) -> None:
    clock, book = HandClock(), tmp_path / "exits.json"
    with office(fake, book, clock) as desk:
        used = {desk.address(worker) for worker in range(3)}
    fake.plan.extend(f"exit{number}" for number in range(6))
    with office(fake, book, clock) as desk:
        assert not used & {desk.address(worker) for worker in range(3)}
        assert used <= set(desk.resting())


def test_two_processes_never_leave_by_the_same_address(fake: FakeTor, tmp_path: Path) -> None:
    clock, book = HandClock(), tmp_path / "exits.json"
    with office(fake, book, clock) as one, office(fake, book, clock) as other:
        addresses = [each.address(worker) for worker in range(2) for each in (one, other)]
        assert len(set(addresses)) == 4


def test_an_exit_in_use_at_the_end_rests_from_then_on_and_no_longer(fake: FakeTor, tmp_path: Path) -> None:
    clock, book = HandClock(), tmp_path / "exits.json"
    with office(fake, book, clock) as desk:
        moved = desk.tor.lease(0, patient())
        lease = moved.__enter__()
        desk.tor.rotate(0)
        desk.until(lambda: len(desk.moves()) == 2)
        current = hold(desk, 0)
        other = current.__enter__()
        clock.at += HOUR / 2
    with office(fake, book, clock) as desk:
        desk.address(1)
        for used in (lease, other):
            assert desk.resting()[exit_of(used.circuit)] == (HOUR, "used")


def test_an_exit_whose_process_was_killed_rests_for_an_hour_from_its_last_sign_of_life(
    fake: FakeTor, tmp_path: Path
) -> None:
    clock, book = HandClock(), tmp_path / "exits.json"
    with office(fake, book, clock) as desk:
        used = desk.address(0)
        clock.at += HOUR / 2
        left = ExitBook(book, clock, 24 * HOUR, print)

        def is_renewed() -> bool:
            left.refresh()
            return left.reserved()[used].until == clock.at + HOUR + GRACE

        desk.until(is_renewed)


def test_a_circuit_that_tor_closes_is_exchanged(desk: Office) -> None:
    with hold(desk, 0) as lease:
        desk.fake.close(built(desk.fake, lease))
        desk.until(lambda: lease.spoilt)
    assert desk.take(0).name != lease.circuit.name
    assert desk.moves()[-1].why == "broken"


def test_a_fetch_that_goes_on_over_a_rotated_circuit_hears_that_it_ended(desk: Office) -> None:
    with hold(desk, 0) as lease:
        desk.tor.rotate(0)
        desk.until(lambda: len(desk.moves()) == 2)
        assert not lease.spoilt
        desk.fake.close(built(desk.fake, lease))
        desk.until(lambda: lease.spoilt)


def test_a_stream_that_leaves_by_another_exit_is_cut_and_its_lease_not_used_again(desk: Office) -> None:
    with hold(desk, 0) as lease:
        joined = built(desk.fake, lease)
        desk.fake.exchange(joined, next(one.nickname for one in desk.fake.exits if one != joined.exit))
        with open_stream(lease.socks, lease.user, "www.youtube.com", 443, 30.0):
            desk.until(lambda: lease.spoilt == "moved")
    desk.until(lambda: not any(one.user == lease.user for one in tuple(desk.fake.circuits.values())))
    assert exit_of(desk.take(0)) != exit_of(lease.circuit)
    assert desk.moves()[-1].why == "moved"


def test_a_stream_that_leaves_by_the_same_exit_over_another_circuit_is_fine(desk: Office) -> None:
    with hold(desk, 0) as lease:
        joined = built(desk.fake, lease)
        desk.fake.exchange(joined, joined.exit.nickname)
        with open_stream(lease.socks, lease.user, "www.youtube.com", 443, 30.0):
            desk.until(lambda: lease.circuit_id != str(joined.id))
    assert desk.take(0).name == lease.circuit.name


def test_a_tor_that_joins_circuits_is_told_of(fake: FakeTor, tmp_path: Path) -> None:
    fake.options["confluxenabled"] = "auto"
    with office(fake, tmp_path / "exits.json") as desk:
        desk.take(0)
        assert "set `ConfluxEnabled 0` in its torrc" in desk.tor.state.words


def test_a_circuit_that_tor_had_built_before_we_came_is_as_good_as_any(fake: FakeTor, tmp_path: Path) -> None:
    ahead = fake.build_ahead()
    with office(fake, tmp_path / "exits.json") as desk:
        desk.take(0)
        desk.until_full()
        assert ahead.user[-6:] in [circuit.name for circuit in desk.tor.circuits().circuits]


def test_while_all_exits_rest_the_time_is_shown(tmp_path: Path) -> None:
    with pretended(tmp_path, 2) as fake, office(fake, tmp_path / "exits.json") as desk:
        with hold(desk, 0) as one, hold(desk, 1):
            desk.tor.refused(one)
        watch = patient()
        watch.enough = lambda: any("No Tor exit is free" in told for told in watch.told)
        with pytest.raises(Exception, match="Cancelled"), desk.tor.lease(0, watch):
            pass
        words = watch.told[-1]
        assert words.startswith("No Tor exit is free: 1 in use, 1 at rest; the first is free by ")
        assert words[-9:-1].count(":") == 2


def test_the_exit_that_has_rested_longest_is_taken_again_where_the_setting_says_so(tmp_path: Path) -> None:
    with pretended(tmp_path, 3) as fake, office(fake, tmp_path / "exits.json", tor_uses=1, tor_reuse=True) as desk:
        with hold(desk, 9) as lease:
            desk.tor.refused(lease)
        refused = exit_of(lease.circuit)
        desk.runs = 1
        seen = [desk.address(0) for _ in range(6)]
        assert refused not in seen
        assert len(set(seen)) == 2


def test_a_country_that_tor_cannot_tell_is_left_out(tmp_path: Path) -> None:
    relays = [Relay("exit0", "127.67.1.1", country="??")]
    with pretended(tmp_path, relays) as fake, office(fake, tmp_path / "exits.json") as desk:
        relay = desk.take(0).exit
        assert relay is not None
        assert (relay.country, relay.name, str(relay)) == ("", "exit0", "exit0 (127.67.1.1)")


@dataclass
class Stumbling:
    """A host with a defect that shows the first few times."""

    clock: HandClock
    falls: int = 5

    def build(self) -> Lease:
        self.falls -= 1
        if self.falls >= 0:
            raise ValueError("nobody expected this")
        circuit = Circuit("abcdef", None, None, (), self.clock.now())
        return Lease(credential(), Address("127.0.0.1", 9050), circuit, self.clock.ticks())

    def hang_up(self, lease: Lease) -> None:
        pass

    def waiting(self, since: float) -> str:
        self.clock.at += 1.0
        return "A Tor circuit is being built."


def test_a_defect_does_not_end_who_prepares_leases(tmp_path: Path) -> None:
    clock, told = HandClock(), list[Event]()
    book = ExitBook(tmp_path / "exits.json", clock, HOUR, lambda words: None)
    leases = Leases(Stumbling(clock), book, Terms(HOUR, 0, HOUR, HOUR), clock, told.append)
    with leases.use(0, patient()) as lease:
        assert lease.circuit.name == "abcdef"
    leases.close()


@dataclass
class Late(Stumbling):
    """A host that tells of something new just when a try to build has failed."""

    leases: Leases | None = None

    def build(self) -> Lease:
        if self.falls > 0:
            self.falls -= 1
            assert self.leases is not None
            self.leases.wake()
            raise TorTrouble("Tor is starting.")
        return super().build()

    def waiting(self, since: float) -> str:
        return "Tor is starting."


@pytest.mark.parametrize("falls", [1, 2_000])
def test_who_gets_ready_while_a_try_fails_is_asked_again_at_once(tmp_path: Path, falls: int) -> None:
    clock = HandClock()  # nobody puts it on, so a pause would never end
    host, book = Late(clock, falls=falls), ExitBook(tmp_path / "exits.json", clock, HOUR, lambda words: None)
    host.leases = Leases(host, book, Terms(HOUR, 0, HOUR, HOUR), clock, lambda event: None)
    with host.leases.use(0, patient()) as lease:
        assert lease.circuit.name == "abcdef"
    host.leases.close()


def test_rotating_one_moves_it_alone(desk: Office) -> None:
    before = [desk.take(worker) for worker in range(3)]
    desk.tor.rotate(1)
    desk.until(lambda: len(desk.moves()) == 4)
    after = [desk.take(worker) for worker in range(3)]
    assert [one.name == other.name for one, other in zip(before, after, strict=True)] == [True, False, True]
    move = desk.moves()[-1]
    assert (move.worker_id, move.why) == (1, "asked")
    assert move.before is not None
    assert (move.before.name, move.after.name) == (before[1].name, after[1].name)


def test_rotating_all_moves_everybody_and_drops_what_was_prepared(tmp_path: Path) -> None:
    with pretended(tmp_path, exits(12)) as fake, office(fake, tmp_path / "exits.json") as desk:
        before = [desk.take(worker) for worker in range(3)]
        desk.until_full()
        prepared = {one.name for one in desk.tor.circuits().circuits if one.worker_id is None}
        desk.tor.rotate_all()
        desk.until(lambda: len(desk.moves()) == 6)
        after = [desk.take(worker) for worker in range(3)]
        assert not {one.name for one in after} & {one.name for one in before} | prepared & {one.name for one in after}
