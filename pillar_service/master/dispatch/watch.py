"""Ends runs that don't end by themselves, and asks their nodes from time to time whether they are still running."""

import logging
import threading
import time
from contextlib import suppress

from pillar_service.core.errors import Conflict, NotFound, SaltcellarError
from pillar_service.core.jobs.jobs import Reason
from pillar_service.master.client import Client
from pillar_service.master.dispatch.delivery import hand_in, hand_in_result
from pillar_service.master.dispatch.runs import Held, Probe, Runs
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)

TICK_S = 1.0
PROBE_EVERY_S = 10.0
ANSWER_WITHIN_S = 10.0
BELIEVED_AFTER = 2
"""How many probes in a row must go unanswered before a node counts as away, or be denied before a run counts as ended."""

OVERTIME_S = 45.0
"""How many seconds a run on a node may overrun its timeout before it is terminated; the service gives it up after 60 s."""

OVERTIME, STOPPED = "It did not finish within {:g} s, and was ended.", "It was stopped."


def follow(client: Client, master: SaltMaster, runs: Runs, stop: threading.Event) -> None:
    """Watches until it is stopped."""
    while not stop.wait(TICK_S):
        for held in runs.all():
            try:
                look_at(client, master, runs, held)
            except SaltcellarError as error:
                log.warning("Run %s can't be watched right now: %s", held.id, error)


def look_at(client: Client, master: SaltMaster, runs: Runs, held: Held) -> None:
    """Looks at one run: takes in a probe's answer, probes again when it is time, and gives up when it must."""
    if held.probe is not None:
        _take_in(client, master, runs, held)
    if not runs.has(held.jid):
        return
    if held.node is None and held.age > held.timeout_s:
        _end_runner(client, master, runs, held, OVERTIME.format(held.timeout_s))
    elif held.age > held.timeout_s + OVERTIME_S and not held.has_begun:
        _terminate(client, master, runs, held)
    elif held.denied >= BELIEVED_AFTER:
        _not_running(client, master, runs, held)
    elif held.missed >= BELIEVED_AFTER:
        _give_up(client, master, runs, held, Reason.NODE_AWAY, f"{held.node} does not answer the master: is it on?")
    elif held.probe is None and time.monotonic() - max(held.published, held.probed) > PROBE_EVERY_S:
        _ask(master, held)


def _ask(master: SaltMaster, held: Held) -> None:
    held.probed = time.monotonic()
    if held.node is None:
        held.denied = 0 if held.jid in master.runners() else held.denied + 1
        return
    jid = master.new_jid()
    try:
        if held.guarded:
            master.publish(held.node, "meeseeks.outcome", list(held.guarded), jid)
        else:
            master.publish(held.node, "saltutil.find_job", [held.jid], jid)
    except NotFound:
        held.missed += 1  # its key was revoked or deleted since: nobody can answer
        return
    held.probe = Probe(jid, held.probed)


def _take_in(client: Client, master: SaltMaster, runs: Runs, held: Held) -> None:
    probe = held.probe
    answer = master.returned(probe.jid, held.node) if probe else None
    if answer is not None:
        told = answer.get("return")
        if held.guarded and isinstance(told, dict) and told.get("state") not in (None, "running"):
            # The node kept the outcome, though its return never reached this master.
            hand_in(client, runs, held, {"return": told, "retcode": 0 if told.get("state") == "done" else 1})
            return
        held.missed, held.denied = 0, 0 if told else held.denied + 1
    elif probe and time.monotonic() - probe.asked > ANSWER_WITHIN_S:
        held.missed += 1
    else:
        return
    held.probe = None


def _not_running(client: Client, master: SaltMaster, runs: Runs, held: Held) -> None:
    if held.taken_over or held.node is None or master.was_saved(held.jid):
        told = f"{held.node or 'The master'} no longer runs it and returned nothing: it was stopped in the middle."
        _give_up(client, master, runs, held, Reason.NOT_RUNNING, told)
    else:
        _give_up(client, master, runs, held, Reason.NOT_PUBLISHED, "The master was too busy to publish it.")


def _terminate(client: Client, master: SaltMaster, runs: Runs, held: Held) -> None:
    told = f"{held.node} did not finish it within {held.timeout_s + OVERTIME_S:g} s; it was told to stop."
    with suppress(NotFound):
        if held.guarded:
            master.publish(str(held.node), "meeseeks.stop", [held.guarded[0], True], master.new_jid())
        else:
            master.publish(str(held.node), "saltutil.term_job", [held.jid], master.new_jid())
    _give_up(client, master, runs, held, Reason.NO_RETURN, told)


def stop_runner(client: Client, master: SaltMaster, runs: Runs, held: Held, jid: str, force: bool) -> None:
    """Carries out the run ``held``, which stops the runner with that jid; hands in the results of both."""
    stopped, its = master.end_runner(jid, force), runs.find(jid)
    if its is not None:
        _end_runner(client, master, runs, its, STOPPED)
    hand_in(client, runs, held, {"return": {"jid": jid, "stopped": stopped}})


def _end_runner(client: Client, master: SaltMaster, runs: Runs, held: Held, told: str) -> None:
    master.end_runner(held.jid)
    if not hand_in_result(client, master, runs, held):
        hand_in(client, runs, held, {"return": told, "success": False, "retcode": 1})


def _give_up(client: Client, master: SaltMaster, runs: Runs, held: Held, reason: Reason, told: str) -> None:
    if hand_in_result(client, master, runs, held):
        return
    try:
        if not client.failed(held.id, held.jid, reason, told):
            held.missed, held.has_begun = 0, True
            return
    except (Conflict, NotFound) as error:
        log.info("Run %s is no longer ours: %s", held.id, error)
    runs.drop(held.jid)
