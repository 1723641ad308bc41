"""An instance: one machine for one subject (a bot, or the node itself). It looks, takes transitions, acts and remembers."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import Any

from pillar_service.core.errors import Failed, SaltcellarError
from pillar_service.core.machines.machine_words import remembered
from pillar_service.core.machines.machines import SLOW, Action, Deed, Event, Transition
from pillar_service.node.machines import acting, expressions, looks
from pillar_service.node.machines.chart import Chart
from pillar_service.node.machines.governed import Govern, Permit, nobody
from pillar_service.node.machines.library import Loaded
from pillar_service.node.machines.memory import Memory
from pillar_service.node.machines.telling import Telling
from pillar_service.node.machines.watching import Watching

log = logging.getLogger(__name__)


class Instance:
    """Runs in the engine's thread; only slow looks and slow actions run in the pool."""

    def __init__(
        self,
        loaded: Loaded,
        subject: str,
        places: Callable[[], Mapping[str, Any]],
        memory: Memory,
        tell: Telling,
        put: looks.Put,
        govern: Govern = nobody,
    ) -> None:
        self.loaded, self.subject, self._places, self.memory = loaded, subject, places, memory
        self.machine, self._tell, self._put = loaded.machine, tell, put
        self._watchings = [Watching(one, memory) for one in self.machine.watchers.values()]
        self._future: Future[str] | None = None
        self._permit = Permit(govern, f"{self.machine.name}/{subject}")
        self._settle()
        self._chart = Chart(self.machine, memory.state, self._allows)

    def _settle(self) -> None:
        """Go on from what is remembered, as far as the machine's file in its present content knows it."""
        memory, machine = self.memory, self.machine
        memory.values = {name: memory.values.get(name, first) for name, first in machine.memory.items()}
        if memory.content != self.loaded.content:
            memory.pending, memory.content = None, self.loaded.content
        if memory.state not in machine.states:
            for one in self._watchings:
                one.entered(memory.state, machine.initial)
            memory.enter(machine.initial)
        if memory.pending and not self._is_known(memory.pending):
            memory.pending = None
        if memory.pending and memory.pending["begun"]:
            # It may have happened, in whole or in part: it counts as failed, and the machine says what follows.
            self._finish("The node stopped while this was under way.")
        memory.save()

    def _is_known(self, pending: Mapping[str, Any]) -> bool:
        """Whether this version understands a pending action, which another version of the node may have left behind."""
        try:
            return "begun" in pending and bool(self._actions())
        except (LookupError, TypeError, AttributeError):
            return False

    @property
    def is_busy(self) -> bool:
        """Whether an action is under way."""
        return self.memory.pending is not None

    @property
    def is_waiting(self) -> bool:
        """Whether its next action has not begun because it waits for a lease."""
        return self.memory.pending is not None and not self.memory.pending["begun"] and self._future is None

    @property
    def problems(self) -> dict[str, str]:
        """The watchers that can't see anything, and why."""
        return {one.watcher.name: one.problem for one in self._watchings if one.problem}

    def fire(self, event: str, by: str) -> None:
        """Have it take an event once its pending actions are over."""
        self.memory.events.append([event, by])
        # Whoever fired it was told that it will be taken, and a wait for a lease may outlast this process.
        self.memory.save()

    def tick(self, now: float, pool: Executor, configuration: looks.Configuration) -> None:
        """Go on; takes at most one transition."""
        if self.is_busy:
            self._act(pool)
            return
        if self.memory.events:
            event, by = self.memory.events.pop(0)
            self._step(event, by, pool)
            self.memory.save()
            return
        for one in self._watchings:
            if self.memory.state in one.watcher.states:
                one.start(now, pool, self._words, configuration)
                if one.fired(now, self._names) and self._step(one.watcher.fires, f"watcher {one.watcher.name}", pool):
                    return

    def _words(self) -> dict[str, Any]:
        return {**self._places(), **self.memory.values}

    def _names(self) -> dict[str, Any]:
        seen = {one.watcher.name: one.seen for one in self._watchings if one.seen is not None}
        state = {"state": self.memory.state, "in_state_s": self.memory.in_state_s}
        return {**self._words(), **state, "seen": seen}

    def _allows(self, transition: Transition) -> bool:
        try:
            return transition.condition is None or bool(expressions.value(transition.condition, self._names()))
        except Failed as error:
            log.warning("machines: %s of %s: %s", self.machine.name, self.subject, error)
            return False

    def _step(self, event: str, by: str, pool: Executor) -> bool:
        """Take an event; returns whether it led to a transition."""
        source = self.memory.state
        taken = self._chart.send(event)
        if taken is None:
            return False
        self.memory.enter(taken.target)
        self.memory.note(event=event, source=source, target=taken.target, by=by)
        number = self.machine.transitions.index(taken)
        self.memory.pending = {"transition": number, "source": source, "action": 0, "begun": False}
        if not self._actions():
            self.memory.pending = None
        for one in self._watchings:
            one.entered(source, taken.target)
        # Saved before anything is done: an action done twice would be worse than one wrongly reported as failed.
        self.memory.save()
        self._say(Event.TRANSITION, event=event, source=source, target=taken.target, by=by)
        self._act(pool)
        return True

    def _actions(self) -> tuple[Action, ...]:
        """The actions still to be done."""
        pending = self.memory.pending
        if not pending:
            return ()
        transition = self.machine.transitions[pending["transition"]]
        return self.machine.actions(transition, pending["source"])[pending["action"] :]

    def _act(self, pool: Executor) -> None:
        """Do the pending actions, as far as that is possible without waiting."""
        while self.memory.pending:
            action = self._actions()[0]
            if action.deed not in SLOW:
                self._quick(action)
            elif self._future is None:
                self._begin(self.memory.pending, action, pool)
                return
            elif not self._future.done():
                return
            else:
                self._slow(pool)

    def _begin(self, pending: dict[str, Any], action: Action, pool: Executor) -> None:
        """Begin a slow action, or wait for the lease that it needs."""
        is_granted = self._permit.granted(action, pool)
        if pending.get("waits", "") != self._permit.problem or is_granted:
            pending |= {"waits": self._permit.problem, "begun": is_granted}
            self.memory.save()
        if is_granted:
            self._future = pool.submit(acting.slow, action, self._names(), self._put, self._permit.lease)

    def _slow(self, pool: Executor) -> None:
        assert self._future
        self._permit.give_back(pool)
        future, self._future = self._future, None
        try:
            self._finish(None, future.result())
        except (SaltcellarError, OSError) as error:
            self._finish(str(error))
        except Exception as error:  # it counts as failed, too: otherwise it would be begun again each second
            log.exception("machines: %s of %s", self.machine.name, self.subject)
            self._finish(f"{type(error).__name__}: {error}")

    def _quick(self, action: Action) -> None:
        try:
            if action.deed is Deed.SET:
                fresh = {name: expressions.value(one, self._names()) for name, one in action.what.items()}
                self.memory.values |= {name: remembered(one) for name, one in fresh.items()}
                self._finish(None)
                return
            sentence = acting.text(action, self._words())
            event = Event.GAVE_UP if action.deed is Deed.SHOUT else Event.ACTION
            self._say(event, sentence=sentence, state=self.memory.state)
            self._finish(None, sentence, told=True)
        except SaltcellarError as error:
            self._finish(str(error))

    def _finish(self, error: str | None, said: str = "", told: bool = False) -> None:
        """End an action; if it failed, the rest of its transition's actions are not done."""
        pending, action = self.memory.pending, self._actions()[0]
        assert pending
        is_last = len(self._actions()) == 1
        self.memory.pending = None if error or is_last else {**pending, "action": pending["action"] + 1, "begun": False}
        follows = action.failed if error else action.done
        if follows:
            self.memory.events.append([follows, action.label])
        if action.deed is not Deed.SET or error:
            self.memory.note(action=action.label, error=error, said=said)
            if not told:
                self._say(Event.ACTION, action=action.label, error=error, state=self.memory.state)
        self.memory.save()

    def _say(self, kind: Event, /, **data: Any) -> None:
        data = {"machine": self.machine.name, "of": self.subject, **data}
        self._tell(kind, f"{self.machine.name}/{self.subject}", data)
