"""Asking for a command: check who may, where it will run, and what it must wait for; then make a job of it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid, NotFound, TooMany
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.meeseeks import typed
from pillar_service.core.meeseeks.catalogue import Action, Command
from pillar_service.core.nodes import selectors
from pillar_service.core.nodes.selectors import EVERYTHING, Selector
from pillar_service.settings import settings
from pillar_service.store.database import in_transaction, transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.meeseeks import catalogue, challenges, deciding, going, planning, previews, targets
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.service import auditing, measuring, sealing
from pillar_service.usecases.service.auditing import Deed
from pillar_service.usecases.service.grouping import Group

SECRET = "(secret)"  # noqa: S105 - stands in place of a secret
"""Shown and stored in place of a secret argument."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants, checked: everything that is shown before they confirm it.

    ``arguments`` are checked, and include secrets; ``nodes`` is where it will run; ``bot`` is the bot that an action is
    for. With ``is_preview``, it only shows what another command would do.
    """

    command: Command
    arguments: Mapping[str, Any]
    selector: Selector
    nodes: tuple[str, ...]
    bot: str | None = None
    is_preview: bool = False

    @property
    def shown(self) -> dict[str, Any]:
        """The arguments as they may be shown and stored: SECRET in place of a secret's value."""
        return {
            name: SECRET if name in self.command.secrets and value is not None else value
            for name, value in self.arguments.items()
            if value is not None
        }


def tasks(asker: Asker) -> list[Command]:
    """The commands that somebody may run from where they are, with at least some arguments, by name."""
    now = catalogue.current()
    known = (now.catalogue.commands[name] for name in now.catalogue.listed())
    return [command for command in known if deciding.decided(asker, command.name, None).allowed]


def require(asker: Asker, privilege: str) -> None:
    """Raise Forbidden unless the asker has a privilege."""
    decision = deciding.decided(asker, privilege, None)
    if not decision.allowed:
        raise Forbidden(decision.why)


@measuring.counts_refusals
def read(asker: Asker, line: str) -> Wish:
    """Make a wish of a typed line (`restart-bot my -l environment=prd`); raises as `wish` does."""
    known = catalogue.current().catalogue
    parsed = typed.read(line, known.flags)
    command = known.command(parsed.command)
    return wish(asker, command.name, command.bound(parsed.positional, parsed.named), parsed.selector)


@measuring.counts_refusals
def wish(asker: Asker, name: object, arguments: Mapping[str, object], selector: Selector = EVERYTHING) -> Wish:
    """Make a wish, with its nodes found. A refusal is audited, also if only the nodes are not granted.

    Raises NotFound (command, bot, node), Invalid (arguments, several nodes fit), Forbidden (roles), Conflict (no node
    can run it).
    """
    command = catalogue.current().catalogue.command(name)
    checked = targets.named(command, command.checked(arguments))
    try:
        return placed(asker, command, checked, selector)
    except (Forbidden, NotFound) as error:
        with transaction():
            auditing.record(asker.actor, "meeseeks.denied", f"command:{command.name}", time.time(), error.sentence)
        raise


def again(asker: Asker, job: Job) -> Wish:
    """Make a wish of an earlier job, with its arguments and selector, as the asker may now.

    Raises as `wish`, and Invalid if the job took a secret.
    """
    # The stored values are checked, too: an argument that was a secret then may be none in today's catalogue.
    if (
        catalogue.current().catalogue.command(job.command).secrets & set(job.arguments)
        or SECRET in job.arguments.values()
    ):
        raise Invalid(f"{job.command} took a secret, which is not kept: ask for it again in full.")
    return wish(asker, job.command, job.arguments, selectors.parse((job.plan or {}).get("selector", "")))


def placed(asker: Asker, command: Command, checked: Mapping[str, Any], selector: Selector) -> Wish:
    """Make a wish of a command and its checked arguments; raises as `wish` does, but audits nothing."""
    decision = deciding.decided(asker, command.name, checked)
    if not decision.allowed:
        raise Forbidden(decision.why)
    if isinstance(command.runs, Action):
        bot = targets.bot(asker, command, checked, selector, decision.selector)
        return Wish(command, checked, selector, (bot.node,), bot.id)
    return Wish(command, checked, selector, tuple(targets.of(command, checked, selector, decision.selector)))


@measuring.counts_refusals
def ask(asker: Asker, wanted: Wish, key: str | None = None) -> dict[str, Any]:
    """Make a job of a wish; returns {"job"}. It runs at once, or waits in the state `asked` for its challenges.

    Repeating a ``key`` returns the same job. Raises TooMany if the asker has too many open jobs.
    """
    pillars.refresh()  # the nodes must know the command before they are asked to run it
    asked = (asker, wanted, _request(asker, wanted, key))
    # Within a transaction, the job belongs to that transaction, which can't be shared with other askers.
    return {"job": _make([asked])[0] if in_transaction() else _together.do(asked)}


Asked = tuple[Asker, Wish, queue.Request]


def _make(these: list[Asked]) -> list[dict[str, Any]]:
    """Return the job of each, new unless it was asked for before; if this raises for one of them, none may be kept."""
    now, made, new = time.time(), list[Job](), list[tuple[Job, Asked]]()
    for one in these:
        fresh = [job for job, _ in new]
        job = one[2].before(fresh)
        if job is None:
            _refuse_too_many(one[0], fresh)
            job = _made(*one, now, fresh)
            new.append((job, one))
        made.append(job)
    _begin(new, now)
    # A bot's action may have ended already, refused for the state that the bot is in.
    return [queue.described((one[1].bot and jobs.find(job.id)) or job) for job, one in zip(made, these, strict=True)]


def _begin(new: list[tuple[Job, Asked]], now: float) -> None:
    """Add new jobs with all that belongs to them: audit entries, and challenges or parts."""
    jobs.add_new([job for job, _ in new])
    auditing.record_all(
        [Deed(asker.actor, "meeseeks.ask", f"job:{job.id}", _sentence(wanted)) for job, (asker, wanted, _) in new], now
    )
    for job, (_, wanted, _) in new:
        measuring.received(job.command)
        queue.log_asked(job)
        if job.state == JobState.ASKED:
            challenges.begin(job, wanted.command.requires, now)
        else:
            going.begin(job, now)


_together: Group[Asked, dict[str, Any]] = Group(_make)
"""Those who ask at the same moment share a commit and its statements."""


def _request(asker: Asker, wanted: Wish, key: str | None) -> queue.Request:
    # The nodes are no part of the fingerprint: when it is asked again, another node may be the least busy.
    secrets = [
        sealing.mark("secret argument", asker.actor, f"{name}={wanted.arguments.get(name)}")
        for name in sorted(wanted.command.secrets)
    ]
    return queue.Request(asker.actor, key, wanted.command.name, wanted.shown, str(wanted.selector), *secrets)


def ask_shown(asker: Asker, wanted: Wish, key: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Make a job of a wish, and one of its preview if somebody must see that before they answer: both, or neither.

    Returns the job and the preview's job, or None for the latter; raises as `ask`.
    """
    if not (wanted.command.requires and wanted.command.preview):
        return ask(asker, wanted, key)["job"], None  # can share its commit with other askers
    with transaction():
        job, shown = ask(asker, wanted, key)["job"], preview(asker, wanted, previews.key(key))
        if shown is not None:
            previews.begun(job["id"], shown["job"]["id"])
        return job, shown and shown["job"]


def preview(asker: Asker, wanted: Wish, key: str | None = None) -> dict[str, Any] | None:
    """Run the command's preview, on the very same nodes; returns {"job"}, or None if the command has none.

    Whoever may run a command may see its preview.
    """
    shown = catalogue.current().catalogue.preview(wanted.command)
    if shown is None:
        return None
    given = {name: value for name, value in wanted.arguments.items() if name in shown.named and value is not None}
    return ask(asker, Wish(shown, shown.checked(given), wanted.selector, wanted.nodes, is_preview=True), key)


def _refuse_too_many(asker: Asker, new: Sequence[Job]) -> None:
    most = settings().chat_jobs_most
    if asker.caller is None:
        return
    if jobs.open_of_actor(asker.actor, most) + sum(job.actor == asker.actor for job in new) >= most:
        raise TooMany(f"{most} of your jobs are not over yet: wait for one to end, or cancel one.")


def _made(asker: Asker, wanted: Wish, request: queue.Request, now: float, before: Sequence[Job]) -> Job:
    id = names.new_id()
    job = jobs.new(
        id=id,
        command=wanted.command.name,
        state=str(JobState.ASKED),
        arguments=wanted.shown,
        plan=planning.plan(id, asker, wanted.command, wanted.arguments, wanted.selector, wanted.nodes, wanted.bot),
        priority=wanted.command.priority,
        at_most=wanted.command.concurrency,
        actor=request.actor,
        idempotency_key=request.key,
        fingerprint=request.fingerprint,
        created_at=now,
        not_before=now,
        deadline_at=now + settings().chat_deadline_s,
        request=request.number,
        is_preview=wanted.is_preview,
        converges=wanted.command.converges,
    )
    if not wanted.command.requires or asker.caller is None:
        going.ready(job, now, before)
    return job


def _sentence(wanted: Wish) -> str:
    where = targets.told(list(wanted.nodes)) or "the master"
    return (
        f"{wanted.command.name} on {where} with {', '.join(f'{k}={v}' for k, v in wanted.shown.items()) or 'nothing'}"
    )
