"""Which transition an event takes. The library keeps the state and takes the transition; the guards are our own."""

from collections.abc import Callable
from typing import Any

from statemachine.io import create_machine_class_from_definition

from pillar_service.core.machines.machines import Machine, Transition

Allows = Callable[[Transition], bool]


class Chart:
    """One machine's states and transitions, beginning in a given state."""

    def __init__(self, machine: Machine, state: str, allows: Allows) -> None:
        self._allows = allows
        self._taken: Transition | None = None
        # Our names get a prefix, so that none clashes with one of the library's own.
        states: dict[str, Any] = {
            f"s_{name}": {"value": name, "initial": name == machine.initial, "on": self._ways(machine, name)}
            for name in machine.states
        }
        made = create_machine_class_from_definition(
            "Chart",
            states=states,
            allow_event_without_transition=True,
            catch_errors_as_events=False,
            # A state may be final; `core/machines/machine_files.py` reports dead ends that are mistakes, with their line.
            validate_trap_states=False,
            validate_disconnected_states=False,
        )
        self._running = made(start_value=state)

    def _ways(self, machine: Machine, source: str) -> dict[str, list[dict[str, Any]]]:
        ways: dict[str, list[dict[str, Any]]] = {}
        for one in machine.transitions:
            if source in one.sources:
                ways.setdefault(f"e_{one.on}", []).append(
                    {"target": f"s_{one.target}", "cond": self._guard(one), "on": self._note(one)}
                )
        return ways

    def _guard(self, transition: Transition) -> Callable[[], bool]:
        return lambda: self._allows(transition)

    def _note(self, transition: Transition) -> Callable[[], None]:
        def note() -> None:
            self._taken = transition

        return note

    def send(self, event: str) -> Transition | None:
        """Send an event; returns the transition that it took, or None."""
        self._taken = None
        self._running.send(f"e_{event}")
        return self._taken
