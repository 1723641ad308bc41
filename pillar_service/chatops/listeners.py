"""What people do in Slack becomes use cases, and what those answer becomes messages."""

from typing import Any

from pillar_service.chatops import facts, messages
from pillar_service.chatops.deliveries import Delivery, Payload
from pillar_service.chatops.facts import Pressed, Said, Submitted
from pillar_service.usecases.chat import outbox

SORRY = "Something went wrong here; it is written down. Ask again, or tell an operator."


class Listeners:
    """Hears what people do."""

    def said(self, said: Said) -> None:
        outbox.post(said.channel, messages.said(said.text), said.thread)

    def pressed(self, pressed: Pressed) -> None:
        outbox.post(pressed.channel, messages.said(pressed.value), pressed.thread)

    def submitted(self, submitted: Submitted) -> None:
        pass

    def answer(self, delivery: Delivery) -> dict[str, Any] | None:
        """What a submitted window is told at once, of what is in memory alone."""
        return None

    def apologise(self, payload: Payload) -> None:
        """Tell whoever sent this that it went wrong for good."""
        said = facts.commanded(payload) if "command" in payload else facts.said(payload)
        if said is not None:
            outbox.post(said.channel, messages.said(SORRY), said.thread)
