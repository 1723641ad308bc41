"""The mails that people get about their payments."""

from datetime import UTC, datetime

from pillar_service.core.durations import DAY_S
from pillar_service.core.payments import payments as rules
from pillar_service.core.payments.payments import Facts, Step, Terms
from pillar_service.core.people.mails import Letter
from pillar_service.settings import settings
from pillar_service.usecases.people import mails


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y")


def _warning(known: Facts, holds: Terms, now: float) -> tuple[str, str]:
    ends = rules.suspends_at(known, holds) or now + holds.grace_s
    what = "Your month is over" if known.paid_until or known.marked_until else "Your trial is over"
    return what, (
        f"{what}: it ended on {_date(known.due_at)}, and no payment has come in.\n\n"
        f"Your bots keep running until {_date(ends)}. Then they are stopped; nothing is deleted at once."
    )


def _last(known: Facts, holds: Terms, now: float) -> tuple[str, str]:
    ends = rules.suspends_at(known, holds) or now + holds.grace_s
    return "Your bots will be stopped", f"No payment has come in yet: on {_date(ends)} your bots are stopped."


def _suspended(known: Facts, holds: Terms, now: float) -> tuple[str, str]:
    return "Your bots are stopped", (
        f"Your bots are stopped, because nothing was paid. Their data is kept until {_date(now + holds.keep_s)}: pay "
        "before that day and they run again, or sign in and export it. After that, bots and data are deleted for good."
    )


def _resumed(known: Facts, holds: Terms, now: float) -> tuple[str, str]:
    return (
        "Thank you: your bots run again",
        "Your payment has come in: the bots that were stopped for lack of it are starting again.",
    )


def _closed(known: Facts, holds: Terms, now: float) -> tuple[str, str]:
    days = round(holds.keep_s / DAY_S)
    return "Your bots are deleted", (
        f"Nothing was paid for {days} days after your bots were stopped, so they and their data are deleted. "
        "You are welcome to come back: pay, and pour a new one."
    )


TEXTS = {
    Step.WARN: _warning,
    Step.WARN_LAST: _last,
    Step.SUSPEND: _suspended,
    Step.RESUME: _resumed,
    Step.CLOSE: _closed,
}


def post(email: str, step: Step, known: Facts, holds: Terms, now: float) -> None:
    """Write to a person what was done, or will be, in the caller's transaction; ``known`` are the facts afterwards."""
    place, price = settings(), rules.money(settings().price_cents, settings().currency)
    subject, text = TEXTS[step](known, holds, now)
    how = f"It costs {price} a month. What to do: {place.address}/payment"
    mails.post(email, Letter(f"{place.domain}: {subject}", f"{text}\n\n{how}\n"), now=now)
