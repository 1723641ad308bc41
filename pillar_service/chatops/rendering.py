"""A job as its conversation's message: the question, the progress, the end."""

from collections.abc import Sequence

from pillar_service.chatops import blocks, messages, texts
from pillar_service.chatops.blocks import Block
from pillar_service.chatops.sentences import sentence
from pillar_service.core.chat.personas import Moment, Persona
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.meeseeks.challenges import SAYING
from pillar_service.usecases.chat.watching import Seen

ENDS = {
    JobState.SUCCEEDED: Moment.DONE,
    JobState.FAILED: Moment.FAILED,
    JobState.LOST: Moment.FAILED,
    JobState.TIMED_OUT: Moment.TIMED_OUT,
    JobState.CANCELLED: Moment.CANCELLED,
}
QUESTIONS = {"confirm": Moment.SURE, "otp": Moment.CODE, "approval": Moment.APPROVAL}
PREVIEWING = "One moment: the preview is being made."
KINDS = {"confirm": "confirm", "otp": "code", "approval": "approve"}


def where(seen: Seen) -> str:
    """Its nodes in a few words."""
    shown = seen.nodes[:5]
    more = f" and {len(seen.nodes) - len(shown)} more" if len(seen.nodes) > len(shown) else ""
    return ", ".join(shown) + more if shown else "the master"


def member(seen: Seen) -> str:
    """The user id of whoever asked for it."""
    return seen.actor.rpartition("/")[2]


def question(speaker: Persona, seen: Seen, preview: Sequence[Block] = ()) -> Block:
    """What the job waits for, after its preview, or that the preview is being made."""
    about = messages.wish(seen.command, seen.arguments, seen.nodes)
    if seen.is_previewing:
        why = sentence(speaker, Moment.WAITING, seen.command, seen.id, user=member(seen), job=seen.id, why=seen.waits)
        return messages.progress(why if seen.waits else PREVIEWING, about, (), ())
    waits = seen.waits_for or {}
    minutes = max(1, round((waits["expires_at"] - waits["created_at"]) / 60)) if waits else 0
    words = {"role": waits.get("role") or "", "count": waits.get("needed", 1), "minutes": minutes}
    kind = waits.get("kind", "confirm")
    said = sentence(
        speaker, QUESTIONS[kind], seen.command, seen.id, user=member(seen), job=seen.id, nodes=where(seen), **words
    )
    votes = [blocks.context(f"Yes so far: {len(waits['yes'])} of {waits['needed']}")] if waits.get("yes") else []
    return messages.question(said, seen.id, [*about, *votes], preview, KINDS[kind])


def progress(speaker: Persona, seen: Seen, lines: list[str]) -> Block:
    """The job under way, or waiting for a node or master: what it is, how each node stands, its last lines."""
    words = {"user": member(seen), "job": seen.id, "nodes": where(seen), "why": seen.waits}
    said = sentence(speaker, Moment.WAITING if seen.waits else Moment.ACCEPTED, seen.command, seen.id, **words)
    about = messages.wish(seen.command, seen.arguments, seen.nodes)
    states = seen.places if len(seen.places) > 1 else ()
    return messages.progress(said, about, states, [] if seen.is_private else lines)


def ended(seen: Seen) -> Block:
    """The message of a job that is over: what it was, and how it ended."""
    mark = f"{messages.MARKS.get(seen.state, '?')} {texts.fitting(str(seen.state), 30)}, job {seen.id}"
    about = messages.wish(seen.command, seen.arguments, seen.nodes)
    return blocks.message(mark, *about, blocks.context(f"{mark}, {seen.seconds:.1f} s"))


def end(speaker: Persona, seen: Seen, lines: list[str], is_filed: bool) -> Block:
    """The answer to the asker: that the job worked or what went wrong, and its output."""
    moment, why = ENDS[seen.state], seen.error or "No reason was given."
    if why in SAYING.values():
        moment = Moment.EXPIRED
    elif why.endswith("did not approve it."):
        moment = Moment.DECLINED
    words = {"user": member(seen), "job": seen.id, "nodes": where(seen), "why": why, "seconds": f"{seen.seconds:.1f}"}
    said = sentence(speaker, moment, seen.command, seen.id, **words)
    return messages.result(said, lines, is_filed, seen.places)
