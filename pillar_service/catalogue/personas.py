"""`personas.yaml`: how the bot talks, made from its shapes."""

from typing import Any

from pillar_service.catalogue.messages import messages
from pillar_service.catalogue.shapes import PersonaShape
from pillar_service.catalogue.shaping import mapping, only, shaped
from pillar_service.core import names
from pillar_service.core.chat.personas import Persona, Personas
from pillar_service.core.meeseeks import roles
from pillar_service.documents.faults import Faults, Path


def read(value: Any, faults: Faults) -> Personas:
    """The personas; every fault is noted."""
    told = mapping(value, (), faults, "This file")
    only(told, ("default", "channels", "personas"), faults)
    bodies = mapping(told.get("personas"), ("personas",), faults, "personas")
    made = [_persona(name, body, ("personas", name), faults) for name, body in bodies.items()]
    default = _known(told.get("default"), ("default",), bodies, faults)
    written = mapping(told.get("channels"), ("channels",), faults, "channels")
    channels = {name: _channel(name, value, bodies, faults) for name, value in written.items()}
    return Personas({one.name: one for one in made if one is not None}, default, channels)


def _persona(name: str, body: Any, at: Path, faults: Faults) -> Persona | None:
    shape = shaped(PersonaShape, body, at, faults)
    if shape is None:
        return None
    return Persona(name, shape.title, shape.icon, messages(shape.messages, (*at, "messages"), faults))


def _channel(channel: str, persona: Any, known: dict[str, Any], faults: Faults) -> str:
    if channel != roles.DIRECT and not roles.CHANNEL_ID.fullmatch(channel):
        faults.add(
            ("channels", channel),
            f"{names.shown(channel)} is not a channel: write direct, or the channel's id as Slack shows it.",
        )
    return _known(persona, ("channels", channel), known, faults)


def _known(persona: Any, at: Path, known: dict[str, Any], faults: Faults) -> str:
    if not isinstance(persona, str) or persona not in known:
        faults.add(at, f"{names.shown(persona)} is not a persona; there are: {', '.join(known) or 'none'}.")
        return ""
    return persona
