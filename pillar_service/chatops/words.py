"""The words that the bot answers itself: help, jobs, logs, cancel and so on."""

import time
from collections.abc import Callable
from typing import Any

from pillar_service import __version__
from pillar_service.chatops import asking, following, messages, operating, personal
from pillar_service.chatops.blocks import Block
from pillar_service.chatops.facts import Said
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import typed
from pillar_service.usecases.chat import conversations, outbox, watching
from pillar_service.usecases.meeseeks import asking as wishes
from pillar_service.usecases.meeseeks import catalogue, deciding, looking, people, stopping
from pillar_service.usecases.meeseeks.asker import Asker

SHOWN = 20

Words = list[str]
Handler = Callable[[Asker, Said, Words], Block | None]


def handler(text: str) -> Handler | None:
    """The handler for a line; None if it is no word of ours."""
    first = text.split(maxsplit=1)[0].lower() if text.split() else ""
    return HANDLERS.get(first)


def answer(said: Said, answers: Handler) -> None:
    """Answer a line in its thread or, for a slash command, so that only its sender sees it."""
    who = asking.asker(said.person, said.channel, said.is_direct)
    body = answers(who, said, [word.text for word in typed.words(said.text)[1:]])
    if body is not None:
        reply(said, body)


def reply(said: Said, body: Block) -> None:
    """Answer a message where it was written; for a slash command, so that only its sender sees it."""
    if said.thread is None:
        outbox.whisper(said.channel, said.person.user, body)
    else:
        outbox.post(said.channel, body, said.thread, said.person.user)


def _help(who: Asker, said: Said, words: Words) -> Block | None:
    if not words:
        mine = [f"{one.usage} – {one.summary}" for one in wishes.tasks(who)]
        return messages.listing(
            "What you may ask for here", [*(mine or ["Nothing."]), "", *(f"{w} – {t}" for w, t in OWN.items())]
        )
    if words[0] in OWN:
        return messages.listing(words[0], [OWN[words[0]]])
    one = catalogue.current().catalogue.command(words[0].lower())
    decision = deciding.decided(who, one.name, None)
    lines = [
        one.summary,
        one.help,
        f"Write: {one.usage}",
        *(f"{its.name}: {its.wanted}" for its in one.parameters if not its.immutable),
    ]
    examples = [f"For example: {example}" for example in one.examples]
    return messages.listing(
        one.name, [*lines, *examples, "You may ask for it here." if decision.allowed else decision.why]
    )


def _jobs(who: Asker, said: Said, words: Words) -> Block:
    found = looking.listed(who, personal.whose("jobs", words), SHOWN)
    rows = [
        f"{one['id']}  {one['state']}  {one['command']}  {_ago(one['created_at'])}  {one['actor']}" for one in found
    ]
    return messages.listing("The newest jobs", rows or ["None yet."])


def _ago(then: float) -> str:
    minutes = max(0, int((time.time() - then) // 60))
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"


def _one(words: Words) -> str:
    if len(words) != 1:
        raise Invalid("Say which job: add its id, or the first characters of its id.")
    return words[0].lower()


def _job(who: Asker, said: Said, words: Words) -> Block | None:
    job = looking.found(who, _one(words))
    return _seen(said, looking.is_private(job), _told(who, job.id))


def _last(who: Asker, said: Said, words: Words) -> Block | None:
    job = looking.last(who)
    return _seen(said, looking.is_private(job), _told(who, job.id))


def _told(who: Asker, id: str) -> Block:
    shown = looking.show(who, id, most=1)
    job = shown["job"]
    rows = [f"{job['command']}: {job['state']}", f"Asked for by {job['actor']}, {_ago(job['created_at'])}"]
    rows += [f"{name}: {value}" for name, value in job["arguments"].items()]
    rows += [f"{part['node'] or 'master'}: {part['state']} {part['error'] or ''}" for part in shown["parts"]]
    rows += [job["error"]] if job["error"] else []
    waits = shown["waits_for"]
    return messages.listing(f"Job {job['id']}", [*rows, *([f"Waiting for: {waits['kind']}"] if waits else [])])


def _logs(who: Asker, said: Said, words: Words) -> Block | None:
    job = looking.found(who, _one(words))
    looking.lines(who, job, 0, 1)  # raises if they may not
    lines = watching.output(job.id)
    if messages.fits(lines):
        return _seen(said, looking.is_private(job), messages.result(f"Job {job.id}", lines or ["No output."], False))
    is_here = said.thread is not None and (said.is_direct or not looking.is_private(job))
    channel, thread = (said.channel, said.thread) if is_here else (said.person.user, None)
    id = conversations.begin(said.person.team, channel, thread, said.person.user, "")
    name, text = f"job-{job.id}.txt", f"The full output of job {job.id}, {len(lines)} lines."
    body = messages.result(f"Job {job.id}", lines, True)
    conversations.end(id, body, lambda: outbox.upload(id, name, "\n".join(lines) + "\n", text))
    return None


def _seen(said: Said, is_private: bool, body: Block) -> Block | None:
    """Answer with a job's output or, if it is private and others would read it, whisper it."""
    if said.is_direct or not is_private:
        return body
    outbox.whisper(said.channel, said.person.user, body, said.whispering)
    return None


def _tail(who: Asker, said: Said, words: Words) -> Block | None:
    job = looking.found(who, _one(words))
    return _seen(said, looking.is_private(job), _listed(f"The end of {job.id}", looking.tail(who, job.id)))


def _head(who: Asker, said: Said, words: Words) -> Block | None:
    job = looking.found(who, _one(words))
    return _seen(
        said, looking.is_private(job), _listed(f"The beginning of {job.id}", looking.lines(who, job, 0, SHOWN))
    )


def _listed(title: str, lines: list[dict[str, Any]]) -> Block:
    told = [f"{one['place']}: {one['text']}" for one in lines] or ["No output."]
    return messages.result(title, told, False)


def _cancel(who: Asker, said: Said, words: Words) -> Block:
    job = stopping.cancel(who, _one(words))
    following.at_once(job["id"])
    return messages.said(stopping.cancelled(job["id"], f"'kill {job['id']}'"))


def _kill(who: Asker, said: Said, words: Words) -> Block:
    forced = [word for word in words if typed.Word(word).option == "force"]  # phones turn two dashes into one long one
    id = looking.found(who, _one([word for word in words if word not in forced])).id
    made = stopping.kill(who, id, bool(forced))
    following.at_once(id)
    return messages.said(
        f"Job {id} is being killed; parts still running: {len(made)}." if made else f"Job {id} is killed."
    )


def _repeat(who: Asker, said: Said, words: Words) -> None:
    job = looking.found(who, _one(words)) if words else looking.last(who)
    asking.begin(who, said.person, said.channel, said.thread, wishes.again(who, job))


def _whoami(who: Asker, said: Said, words: Words) -> Block:
    caller = who.caller
    roles = [role.name for role in catalogue.current().policy.of(caller)] if caller else []
    account = (caller.email if caller else None) or "none linked; to link one, write '2fa enrol'"
    told = [f"{said.person.team}/{said.person.user}", f"Account: {account}", f"Roles: {', '.join(roles) or 'none'}"]
    return messages.listing("You are", told + ([caller.lacks] if caller and caller.lacks else []))


def _version(who: Asker, said: Said, words: Words) -> Block:
    return messages.said(f"Saltcellar {__version__}.")


def _second_factor(who: Asker, said: Said, words: Words) -> Block | None:
    if words[:1] == ["reset"] and len(words) == 2:
        return operating.reset(who, words[1])
    if words[:1] == ["unlink"] and len(words) == 2:
        return operating.unlink(who, words[1])
    if words != ["enrol"]:
        raise Invalid("Write '2fa enrol', or, as an operator, '2fa reset T01/U02' or '2fa unlink T01/U02'.")
    link = people.invite(who)
    text = (
        f"Open this within ten minutes and sign in: {link} There you link your account and turn on your second factor."
    )
    if said.is_direct:
        return messages.said(text)
    outbox.whisper(said.channel, said.person.user, messages.said(text))
    return None


OWN = {
    "help": "what you may ask for here; 'help COMMAND' explains one",
    "jobs": "your newest jobs; with the privilege, also 'jobs all' or 'jobs WHO'",
    "job": "'job ID': the state of a job",
    "last": "the state of your newest job",
    "logs": "'logs ID': all of a job's output",
    "tail": "'tail ID': the end of a job's output",
    "head": "'head ID': the beginning of a job's output",
    "cancel": "'cancel ID': cancel a job before it runs",
    "kill": "'kill ID': stop a job wherever it runs; with --force, at once",
    "repeat": "'repeat [ID]': ask for the same job again; without ID, for your newest",
    "whoami": "who you are to me",
    "2fa": "'2fa enrol': link your account and turn on your second factor; as an operator, '2fa reset USER': turn off a lost "
    "second factor; '2fa unlink USER': unlink a user from their account",
    "version": "which version this is",
    **personal.OWN,
    **operating.OWN,
}

HANDLERS: dict[str, Handler] = {
    "help": _help,
    "jobs": _jobs,
    "job": _job,
    "last": _last,
    "logs": _logs,
    "tail": _tail,
    "head": _head,
    "cancel": _cancel,
    "kill": _kill,
    "repeat": _repeat,
    "whoami": _whoami,
    "version": _version,
    "2fa": _second_factor,
    "alias": personal.alias,
    "unalias": personal.unalias,
    "aliases": personal.listed_aliases,
    "token": personal.token,
    "tokens": personal.listed_tokens,
    "audit": operating.audit,
    "reload": operating.reload,
}
