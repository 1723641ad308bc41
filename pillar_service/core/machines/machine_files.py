"""A machine from the plain values of its file. Every fault is noted with its place; nothing is guessed."""

from collections.abc import Iterable, Mapping
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.machines import expressions
from pillar_service.core.machines import machine_words as words
from pillar_service.core.machines.machines import (
    GOVERNED,
    OBSERVED,
    PLACES,
    Action,
    Deed,
    Each,
    Kind,
    Machine,
    State,
    Transition,
    Watcher,
)
from pillar_service.core.machines.plain_values import MOST, Faults, Place, PlainValues

TOP = ("machine", "about", "each", "memory", "initial", "states", "transitions", "watchers")
WATCHER = ("kind", "fires", "in", "every", "hold", "when")
TRANSITION = ("on", "from", "to", "if", "do")
ACTION = ("timeout", "user", "done", "failed", "governor")
STATE = ("enter", "leave")
EVERY_S = 10
RESERVED = {"seen", "state", "in_state_s", *expressions.FUNCTIONS}


def read(value: Any, name: str, faults: Faults) -> Machine | None:
    """The machine of that name, as far as it can be made; every fault is noted."""
    return _Reader(faults).machine(value, name)


class _Reader(PlainValues):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self.states: dict[str, Any] = {}
        self.known: frozenset[str] = frozenset()
        self.promised: list[tuple[Place, str]] = []

    def machine(self, value: Any, name: str) -> Machine | None:
        top = self.mapping(value, (), "A machine", TOP)
        with self.faults.at(("machine",)):
            if words.machine(top.get("machine")) != name:
                raise Invalid(f"The machine must have the name of its file: {name}.")
        about, each = self.about(top), self.each(top)
        memory = self.memory(top.get("memory"), each)
        self.known = frozenset((*PLACES[each], *memory))
        self.states = self.named(top.get("states"), ("states",), "a state")
        states = {one: self.state(body, ("states", one), one) for one, body in self.states.items()}
        if not states:
            self.faults.add(("states",), "A machine needs at least one state.")
        initial = str(top.get("initial"))
        self.is_state(top.get("initial"), ("initial",))
        made = Machine(name, about, each, initial, memory, states, self.transitions(top), self.watchers(top))
        self.crossed(made)
        return made

    def about(self, top: Mapping[str, Any]) -> str:
        with self.faults.at(("about",)):
            return names.text(top.get("about"), "line about the machine", 200)
        return ""

    def each(self, top: Mapping[str, Any]) -> Each:
        with self.faults.at(("each",)):
            return names.one_of(Each, top.get("each", "node"), "value for 'each'")
        return Each.NODE

    def transitions(self, top: Mapping[str, Any]) -> tuple[Transition, ...]:
        listed = self.listed(top.get("transitions"), ("transitions",), MOST["transitions"])
        return tuple(self.transition(body, ("transitions", number)) for number, body in enumerate(listed))

    def watchers(self, top: Mapping[str, Any]) -> dict[str, Watcher]:
        named = self.named(top.get("watchers"), ("watchers",), "a watcher")
        return {one: self.watcher(body, ("watchers", one), one) for one, body in named.items()}

    def memory(self, value: Any, each: Each) -> dict[str, Any]:
        kept = self.named(value, ("memory",), "something remembered")
        for name, first in kept.items():
            with self.faults.at(("memory", name)):
                words.remembered(first)
                if name in RESERVED or name in PLACES[each] or any(name in told for told in OBSERVED.values()):
                    raise Invalid(f"{name} already means something else: choose another name.")
        return kept

    def state(self, value: Any, at: Place, name: str) -> State:
        body = self.mapping(value or {}, at, "A state", STATE)
        enter, leave = (self.actions(body.get(word), (*at, word)) for word in STATE)
        return State(name, enter, leave)

    def transition(self, value: Any, at: Place) -> Transition:
        body = self.mapping(value, at, "A transition", TRANSITION)
        sources = self.some_states(body, at, "from")
        self.is_state(body.get("to"), (*at, "to"))
        on, condition = self.event(body.get("on"), (*at, "on")), None
        if "if" in body:
            condition = self.expression(body["if"], (*at, "if"), ())
        return Transition(on, sources, str(body.get("to")), condition, self.actions(body.get("do"), (*at, "do")))

    def some_states(self, body: Mapping[str, Any], at: Place, word: str) -> tuple[str, ...]:
        """The states that are named there, one or several; all states if none is named."""
        told = body.get(word, list(self.states))
        listed = [told] if isinstance(told, str) else self.listed(told, (*at, word), MOST["states"])
        for state in listed:
            self.is_state(state, (*at, word))
        return tuple(map(str, listed))

    def watcher(self, value: Any, at: Place, name: str) -> Watcher:
        kind = Kind.TIMER
        with self.faults.at((*at, "kind")):
            kind = names.one_of(Kind, value.get("kind") if isinstance(value, dict) else None, "kind of watcher")
        settings = words.SETTINGS[kind]
        body = self.mapping(value, at, f"A watcher of kind {kind}", (*WATCHER, *settings))
        told = {word: self.setting(body, at, word, *rule) for word, rule in settings.items()}
        every, hold = self.pace(body, at, kind)
        inside = frozenset(self.some_states(body, at, "in"))
        fires = self.event(body.get("fires"), (*at, "fires"))
        return Watcher(name, kind, fires, inside, every, hold, self.when(body, at, kind), told)

    def pace(self, body: Mapping[str, Any], at: Place, kind: Kind) -> tuple[int, int]:
        """How often the watcher looks, and how long its condition must hold, both in seconds."""
        every, hold = EVERY_S if kind is not Kind.TIMER else 1, 0
        with self.faults.at((*at, "every")):
            every = words.length(1, 86_400)(body.get("every", every), frozenset())
        with self.faults.at((*at, "hold")):
            hold = words.length(0, 86_400)(body.get("hold", 0), frozenset())
            if "hold" in body and kind in (Kind.TIMER, Kind.SCHEDULE):
                raise Invalid(f"A {kind} can't have 'hold', because it fires at its time: leave it out.")
        return every, hold

    def when(self, body: Mapping[str, Any], at: Place, kind: Kind) -> str | None:
        if kind in (Kind.TIMER, Kind.SCHEDULE):
            if "when" in body:
                self.faults.add((*at, "when"), f"A {kind} can't have 'when': put 'if' into its transition instead.")
            return None
        if "when" not in body and kind not in words.UNASKED:
            self.faults.add(at, "This watcher needs 'when': an expression that says when it fires.")
            return None
        return self.expression(body.get("when", words.UNASKED.get(kind)), (*at, "when"), OBSERVED[kind])

    def setting(self, body: Mapping[str, Any], at: Place, word: str, rule: words.Value, default: Any) -> Any:
        if word not in body and default is ...:
            self.faults.add(at, f"{word} is missing here.")
            return None
        known = self.known | RESERVED if rule is words.after else self.known
        with self.faults.at((*at, word)):
            return rule(body.get(word, default), known)
        return None

    def actions(self, value: Any, at: Place) -> tuple[Action, ...]:
        listed = self.listed(value, at, MOST["actions"])
        return tuple(filter(None, (self.action(one, (*at, number)) for number, one in enumerate(listed))))

    def action(self, value: Any, at: Place) -> Action | None:
        body = self.mapping(value, at, "An action", (*Deed, *ACTION))
        deeds = [deed for deed in Deed if deed in body]
        if len(deeds) != 1:
            self.faults.add(at, f"An action needs exactly one of {', '.join(Deed)}.")
            return None
        deed, made = deeds[0], None
        with self.faults.at((*at, deed)):
            made = self.what(deed, body[deed], (*at, deed))
        return Action(deed, made, **self.terms(body, at, deed))

    def terms(self, body: Mapping[str, Any], at: Place, deed: Deed) -> dict[str, Any]:
        """The timeout, user and governor of an action, and the events that its end fires."""
        told: dict[str, Any] = {}
        if "governor" in body and deed not in GOVERNED:
            self.faults.add((*at, "governor"), f"Only {' and '.join(sorted(GOVERNED))} can take a governor.")
        for word, rule in (("timeout", words.TIMEOUT), ("user", words.user), ("governor", words.governor)):
            with self.faults.at((*at, word)):
                if word in body:
                    told["timeout_s" if word == "timeout" else word] = rule(body[word], self.known)
        told |= {word: self.event(body[word], (*at, word)) for word in ("done", "failed") if word in body}
        self.promised += [((*at, word), told[word]) for word in ("done", "failed") if word in told]
        return told

    def what(self, deed: Deed, value: Any, at: Place) -> Any:
        if deed is Deed.EXEC:
            return words.argv(value, self.known)
        if deed is Deed.CONFIGURE:
            return self.configured(value, at)
        if deed is not Deed.SET:
            return words.filled(value, self.known)
        kept = self.named(value, at, "something remembered")
        for name in kept:
            if name not in self.known or any(name in places for places in PLACES.values()):
                self.faults.add((*at, name), f"{names.shown(name)} is not in the machine's memory: put it there.")
        return {name: self.expression(str(one), (*at, name), ()) for name, one in kept.items()}

    def configured(self, value: Any, at: Place) -> dict[str, Any]:
        kept = value if isinstance(value, dict) else {}
        if not 1 <= len(kept) <= MOST["keys"]:
            self.faults.add(
                at, f"This must be 1 to {MOST['keys']} keys of the account's configuration, each with an expression."
            )
        for key in kept:
            with self.faults.at((*at, key)):
                words.key(key, self.known)
        return {key: self.expression(str(one), (*at, key), ()) for key, one in kept.items()}

    def crossed(self, machine: Machine) -> None:
        """Note what can only be seen in the whole machine: events that no transition takes, and unreachable states."""
        for name, watcher in machine.watchers.items():
            if watcher.fires and watcher.fires not in machine.events:
                self.faults.add(("watchers", name, "fires"), f"No transition takes {names.shown(watcher.fires)}.")
        for at, one in self.promised:
            if one not in machine.events:
                self.faults.add(at, f"No transition takes {names.shown(one)}.")
        reached, fresh = {machine.initial}, {machine.initial}
        while fresh:
            fresh = {one.target for one in machine.transitions if fresh & set(one.sources)} - reached
            reached |= fresh
        for name in machine.states.keys() - reached if machine.initial in machine.states else ():
            self.faults.add(("states", name), f"No transition leads to {names.shown(name)}.")

    def expression(self, value: Any, at: Place, more: Iterable[str]) -> str | None:
        with self.faults.at(at):
            return expressions.checked(value, self.known | RESERVED.difference(expressions.FUNCTIONS) | set(more))
        return None

    def event(self, value: Any, at: Place) -> str:
        with self.faults.at(at):
            return words.word(value, "an event")
        return ""

    def is_state(self, value: Any, at: Place) -> None:
        if not isinstance(value, str) or value not in self.states:
            self.faults.add(
                at, f"{names.shown(value)} is not a state; the states are: {', '.join(self.states) or 'none'}."
            )
