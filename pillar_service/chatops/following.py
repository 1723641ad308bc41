"""Following jobs: whenever a job differs from what its conversation's message shows, the message is updated."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from pillar_service.chatops import blocks, messages, rendering, sentences, texts
from pillar_service.chatops.blocks import Block
from pillar_service.core.chat.personas import Persona
from pillar_service.core.jobs.jobs import JobState
from pillar_service.usecases.chat import approvers, conversations, outbox, watching
from pillar_service.usecases.chat.conversations import Conversation
from pillar_service.usecases.chat.watching import Seen
from pillar_service.usecases.service import storage

EVERY_S = 0.5
AT_ONCE = 500
"""How many conversations are read at once."""
PRIVATELY = "Its output is private: I sent it to you directly."
UNSEEN = "The preview is private: only the person who asked for it gets it."

log = logging.getLogger(__name__)


def follow(conversation: Conversation) -> bool:
    """Let a conversation show its job's current state; returns whether anything was new. Several may do so at once."""
    seen = watching.seen(conversation.job, conversation.preview) if conversation.job else None
    if seen is None:
        return False
    if seen.is_over:
        return _end(conversation, seen)
    if seen.mark == conversation.shown:
        return False
    speaker = sentences.named(conversation.persona)
    if seen.state is JobState.ASKED:
        return _ask(conversation, seen, speaker)
    return conversations.show(conversation.id, seen.mark, rendering.progress(speaker, seen, watching.tail(seen.id)))


def _is_askers(conversation: Conversation, seen: Seen) -> bool:
    return seen.actor == f"chat:{conversation.team}/{conversation.member}"


def _ask(conversation: Conversation, seen: Seen, speaker: Persona) -> bool:
    is_askers = _is_askers(conversation, seen)
    preview = None if seen.is_previewing else watching.previewed(conversation.preview, is_askers)

    def tell() -> None:
        # In the same transaction as the message: an approver who is not told now never will be.
        if _needs_telling(conversation, seen):
            _tell_approvers(conversation, seen)

    if preview is None:
        return conversations.show(conversation.id, seen.mark, rendering.question(speaker, seen), lambda _: tell())
    told, is_filed = messages.previewed(preview.lines, preview.failed)
    is_here = not preview.is_private or (is_askers and conversation.channel.startswith("D"))
    file = _file(f"{seen.command}-preview", seen, preview.lines, "the preview of ")

    def say(before: str | None) -> None:
        tell()
        if watching.was_previewed(before):
            return
        if is_here and is_filed:
            outbox.upload(conversation.id, *file)
        elif not is_here and is_askers:
            _write(conversation, blocks.message(f"The preview of {seen.command}", *told), file if is_filed else None)

    body = rendering.question(speaker, seen, told if is_here else [blocks.context(UNSEEN)])
    return conversations.show(conversation.id, seen.mark, body, say)


def _needs_telling(conversation: Conversation, seen: Seen) -> bool:
    """Whether others must approve and have not been told; each gets a message of their own, wherever it was asked for."""
    waits = seen.waits_for or {}
    return waits.get("kind") == "approval" and not waits["yes"] and _is_askers(conversation, seen)


def _tell_approvers(conversation: Conversation, seen: Seen) -> None:
    told = {one.member for one in conversations.of_job(seen.id)}
    for member in approvers.of(str((seen.waits_for or {})["role"]), conversation.team, seen.actor):
        if member not in told:
            speaker = sentences.persona(member).name
            id = conversations.begin(conversation.team, member, None, member, speaker, seen.id, conversation.preview)
            follow(conversations.find(id))


def _end(conversation: Conversation, seen: Seen) -> bool:
    # Approvers don't get the output, which may be very long.
    is_askers = _is_askers(conversation, seen)
    speaker, lines = sentences.named(conversation.persona), watching.output(seen.id) if is_askers else []
    is_filed = bool(lines) and (seen.is_always_filed or not messages.fits(lines))

    def say() -> None:
        if not is_askers:
            return
        if not seen.is_private or conversation.channel.startswith("D"):
            outbox.say(conversation.id, rendering.end(speaker, seen, lines, is_filed))
            if is_filed:
                outbox.upload(conversation.id, *_file(seen.command, seen, lines))
            return
        # Why it failed is part of the private output; why it never ran is not.
        open_to_all = replace(seen, error=PRIVATELY) if seen.state is JobState.FAILED else seen
        outbox.say(conversation.id, rendering.end(speaker, open_to_all, [PRIVATELY] if lines else [], False))
        _privately(conversation, seen, lines)

    return conversations.end(conversation.id, rendering.ended(seen), say)


def _privately(conversation: Conversation, seen: Seen, lines: list[str]) -> None:
    if not lines and seen.state is not JobState.FAILED:
        return
    speaker, is_filed = sentences.named(conversation.persona), not messages.fits(lines)
    file = _file(seen.command, seen, lines) if is_filed else None
    _write(conversation, rendering.end(speaker, seen, lines, is_filed), file)


File = tuple[str, str, str]


def _write(conversation: Conversation, body: Block, file: File | None) -> None:
    """Write to a conversation's member directly, whoever else can read the conversation."""
    member = conversation.member
    direct = conversations.begin(conversation.team, member, None, member, conversation.persona)
    conversations.end(direct, body, lambda: outbox.upload(direct, *file) if file else None)


def _file(name: str, seen: Seen, lines: Sequence[str], what: str = "") -> File:
    """A file's name, its content, and a sentence about it."""
    content = texts.clean("\n".join(lines)) + "\n"
    return (
        f"{name}-{seen.id}.txt",
        content,
        f"The full output of {what}{texts.fitting(seen.command, 100)}, {len(lines)} lines.",
    )


def at_once(job: str) -> None:
    """Let every conversation of a job show it now, rather than at the follower's next round."""
    for conversation in conversations.of_job(job):
        follow(conversation)


class Follower:
    """Follows every job that a conversation shows, until it is stopped; only in the process where ``leads`` says so."""

    def __init__(self, leads: Callable[[], bool]) -> None:
        self.leads = leads
        self.over, self._after = threading.Event(), ""
        self.thread = threading.Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self.thread.start()

    def stop(self) -> None:
        """Stop it."""
        self.over.set()
        if self.thread.is_alive():
            self.thread.join(10)

    def _run(self) -> None:
        while not self.over.wait(EVERY_S):
            try:
                for conversation in self._next() if self.leads() else ():
                    self._one(conversation)
            except Exception as error:
                log.warning("Jobs can't be followed; again soon: %s", error)
                storage.release()
        storage.release()

    def _next(self) -> list[Conversation]:
        """The conversations of this round: however many are open, each gets its turn."""
        found = conversations.open_ones(self._after, AT_ONCE)
        self._after = found[-1].id if len(found) == AT_ONCE else ""
        return found

    def _one(self, conversation: Conversation) -> None:
        try:
            follow(conversation)
        except storage.FAULTS:
            raise
        except Exception as error:
            log.error("The job %s can't be shown: %s", conversation.job, type(error).__name__, exc_info=error)
