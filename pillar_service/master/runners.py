"""What the runners share: asking the service, waiting for jobs, and returning errors as salt-run wants them."""

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import salt.utils.user

from pillar_service.core import names
from pillar_service.core.errors import Invalid, SaltcellarError
from pillar_service.core.nodes import labels as label
from pillar_service.master.client import Client
from pillar_service.master.following import finished

WAIT_S = 7 * 86400
"""The most seconds that ``wait`` may be."""


def asked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a runner's function, so that wrong arguments are an error like any other, and salt-run exits with 1.

    Salt itself would show the function's documentation and exit with 0. So Salt must not see what the function takes
    (`__wrapped__`), and passes everything on.
    """
    takes, called = inspect.signature(function), _called(function)

    @functools.wraps(function)
    def told(*args: object, **keywords: object) -> Any:
        given = _typed(keywords)
        try:
            _refuse_if_no_choice(takes.bind(*args, **given))
        except TypeError as error:
            return {"error": f"{called}: {error}. `salt-run --doc {called}` says what it takes.", "retcode": 1}
        return function(*args, **given)

    vars(told).pop("__wrapped__")
    vars(told)["takes"] = takes
    return told


def _refuse_if_no_choice(given: inspect.BoundArguments) -> None:
    """Raise TypeError for a choice that is neither True nor False: `purge=fasle` would be taken for a yes."""
    for name, value in given.arguments.items():
        if isinstance(given.signature.parameters[name].default, bool) and not isinstance(value, bool):
            raise TypeError(f"{name} is True or False, not {value!r:.40}")


def _typed(given: Mapping[str, object]) -> dict[str, object]:
    # Salt adds keywords of its own: who asked, and the jid.
    return {name: value for name, value in given.items() if not name.startswith("__")}


def _called(function: Callable[..., Any]) -> str:
    """A function's name for salt-run: `nodes_enrolment.py` belongs to the runner `nodes`, and `list_` is `list`."""
    runner = function.__module__.rpartition(".")[2].partition("_")[0]
    return f"{runner}.{function.__name__.rstrip('_')}"


def client(opts: Mapping[str, Any]) -> Client:
    """A client of the service in the master's configuration (``saltcellar: {url, token_file}``), for the user who asks.

    Raises Invalid when the configuration names none.
    """
    configured = opts.get("saltcellar") or {}
    if not {"url", "token_file"} <= set(configured):
        raise Invalid("The master's configuration names no service: set 'saltcellar: {url: …, token_file: …}'.")
    return Client(configured["url"], configured["token_file"], actor=salt.utils.user.get_specific_user())


def answer(opts: Mapping[str, Any], asked: Callable[[Client], Any]) -> Any:
    """What ``asked`` returns; or for an error ``{"error": sentence, "retcode": 1}``, with which salt-run exits with 1."""
    try:
        return asked(client(opts))
    except SaltcellarError as error:
        return {"error": error.sentence, "retcode": 1}
    except OSError as error:
        file = names.shown(error.filename) if error.filename else "The file"
        return {"error": f"{file}: {error.strerror or error}.", "retcode": 1}
    except UnicodeError:
        return {"error": "What was typed is not text: it holds bytes that are not UTF-8. Type it again.", "retcode": 1}


def command(
    opts: Mapping[str, Any], name: str, bot: object, arguments: Mapping[str, Any] | None = None, wait: bool = True
) -> Any:
    """Submits a command for a bot; returns the job's result, or with ``wait=False`` the job itself."""

    def ask(service: Client) -> Any:
        job = service.submit(name, text(bot), arguments or {})
        return finished(service, job)["result"] if wait else job

    return answer(opts, ask)


def change(opts: Mapping[str, Any], agent: object, told: Mapping[str, Any], wait: bool) -> Any:
    """Changes a bot or an account, given by id, name or e-mail address; returns it as `settled` does."""

    def ask(service: Client) -> Any:
        return settled(service, service.change_agent(service.agent(text(agent))["id"], told), wait)

    return answer(opts, ask)


def settled(service: Client, told: Mapping[str, Any], wait: bool) -> dict[str, Any]:
    """The agent in an answer, once the jobs in the answer are over; with ``wait=False`` the answer itself."""
    jobs = [*([told["job"]] if told.get("job") else []), *(told.get("jobs") or [])]
    if not wait:
        return dict(told)
    for job in jobs:
        finished(service, job)
    return service.agent(told["agent"]["id"]) if jobs else dict(told["agent"])


def text(value: object) -> str:
    """A name as it was typed, as the command line turns '2024' into a number; raises Invalid for all else."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise Invalid(
        f"{value!r:.60} is not a name: if it looks like something else, put quotes around it, twice: \"'…'\"."
    )


def seconds(wait: object) -> float:
    """``wait`` in seconds (False: 0); raises Invalid. To be called before anything that can't be undone."""
    number = 0.0 if wait is False else float(wait) if isinstance(wait, int | float) and wait is not True else math.nan
    return bounded(number, wait, 0, WAIT_S)


def bounded(number: float, wait: object, least: float, most: float) -> float:
    """``number``, if it is between the bounds; raises Invalid, which repeats ``wait`` as it was typed."""
    if not least <= number <= most:
        raise Invalid(f"wait is a number of seconds from {least:.0f} to {most:.0f}, not {wait!r:.40}.")
    return number


def file(path: object) -> Path:
    """The path of a file to read, as it was typed; raises Invalid when it can't be a path (a NUL, half a character)."""
    place = text(path)
    if not place.isprintable():
        raise Invalid(f"{names.shown(place)} can't be read: a path can't have a character that can't be shown.")
    return Path(place)


def lines(path: object) -> list[str]:
    """The lines of a file with secrets, which must not appear in the list of processes; raises Invalid, OSError."""
    return file(path).read_text().splitlines()


def keywords(given: Mapping[str, object]) -> dict[str, str]:
    """The keywords that were typed, as text, without those that Salt adds."""
    return {name: text(value) for name, value in _typed(given).items()}


def labels(words: Iterable[object], given: Mapping[str, object]) -> tuple[dict[str, str], set[str]]:
    """The labels that were typed with values, and the names typed without one; raises Invalid.

    Salt passes what is no Python name, such as `butt.nz/rack=r1`, as a positional argument.
    """
    typed = [text(word).partition("=") for word in words]
    alone = {label.key(name) for name, equals, _ in typed if not equals}
    return keywords(given) | {name: value for name, equals, value in typed if equals}, alone


def selector(typed: object, given: Mapping[str, object]) -> str:
    """A selector as it was typed: Salt passes `environment=prd` as a keyword."""
    return ",".join(
        [*([text(typed)] if typed else []), *(f"{name}={value}" for name, value in keywords(given).items())]
    )
