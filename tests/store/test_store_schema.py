import multiprocessing
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import peewee
import pytest
from playhouse.migrations import Runner

from pillar_service.core import names
from pillar_service.core.bots.moves import MoveState
from pillar_service.core.chat.chat import OutgoingKind, OutgoingState
from pillar_service.core.errors import Invalid, Unavailable
from pillar_service.core.events.events import Kind
from pillar_service.core.events.forwarding import ForwardingState, Way
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.meeseeks.challenges import ChallengeKind, ChallengeState
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.nodes.machine_orders import OrderState
from pillar_service.core.nodes.presence import State
from pillar_service.core.nodes.rooms import Sharing
from pillar_service.core.nodes.waves import NodeState, UpgradeState
from pillar_service.core.payments.payments import PaymentKind, PaymentState, ProviderName
from pillar_service.core.people.agents import (
    AccountRole,
    AccountState,
    Actual,
    AgentType,
    Belonging,
    Desired,
    Hold,
    Service,
)
from pillar_service.core.people.mails import MailState
from pillar_service.core.people.scopes import TokenKind
from pillar_service.core.people.tickets import TicketKind
from pillar_service.core.service.backups import RoundKind, RoundState
from pillar_service.store import database, migrations, schema
from pillar_service.store.bots import bots, invites, moves, samples, transfers
from pillar_service.store.chat import chat_people, conversations, outgoing
from pillar_service.store.database import db, transaction
from pillar_service.store.events import events, forgotten, forwardings, held
from pillar_service.store.jobs import jobs, leases, outputs, runs
from pillar_service.store.meeseeks import aliases, catalogues, challenges, command_tokens
from pillar_service.store.nodes import (
    configuration,
    enrolment,
    facts,
    fleet,
    governors,
    machine_orders,
    node_shares,
    nodes,
    pillars,
    standings,
    waves,
)
from pillar_service.store.payments import payments
from pillar_service.store.people import (
    accounts,
    agents,
    holds,
    mails,
    second_factor,
    sessions,
    sharing,
    tickets,
    tokens,
)
from pillar_service.store.service import audit, backup_rounds, masters

CHECKS = {
    ("agent", "type"): AgentType,
    ("account", "state"): AccountState,
    ("account", "role"): AccountRole,
    ("node", "key_state"): KeyState,
    ("node", "sharing"): Sharing,
    ("move", "state"): MoveState,
    ("bot", "service"): Service,
    ("bot", "desired"): Desired,
    ("bot", "actual"): Actual,
    ("belongs", "role"): Belonging,
    ("job", "state"): JobState,
    ("challenge", "kind"): ChallengeKind,
    ("challenge", "state"): ChallengeState,
    ("mail", "state"): MailState,
    ("ticket", "kind"): TicketKind,
    ("token", "kind"): TokenKind,
    ("hold", "why"): Hold,
    ("subscription", "provider"): ProviderName,
    ("subscription", "state"): PaymentState,
    ("payment", "provider"): ProviderName,
    ("payment", "kind"): PaymentKind,
    ("fleet_count", "actual"): Actual,
    ("outgoing", "kind"): OutgoingKind,
    ("outgoing", "state"): OutgoingState,
    ("event", "kind"): Kind,
    ("standing", "state"): State,
    ("forwarding", "way"): Way,
    ("forwarding", "state"): ForwardingState,
    ("machine_order", "state"): OrderState,
    ("upgrade", "state"): UpgradeState,
    ("upgrade_node", "state"): NodeState,
    ("backup_round", "kind"): RoundKind,
    ("backup_round", "state"): RoundState,
}
TABLES = [
    agents.Agent, agents.Belongs, accounts.Account, accounts.SignInFailure, bots.Bot, nodes.Node,
    node_shares.NodeShare, moves.Move, masters.Master,
    enrolment.EnrolmentToken, machine_orders.MachineOrder,
    jobs.Job, outputs.JobLine, catalogues.KeptCatalogue, challenges.Challenge, challenges.Vote,
    chat_people.ChatPerson, chat_people.ChatLink, command_tokens.CommandToken, aliases.ChatAlias, runs.Run, leases.Lease,
    pillars.Pillar, pillars.Change, samples.SampleRow, samples.BucketRow,
    transfers.Transfer, backup_rounds.BackupRound, audit.Audit, audit.AuditHead, tokens.Token,
    holds.AccountHold, payments.Subscription, payments.Payment, payments.ProviderEvent,
    fleet.FleetCount, events.Event, events.EventEpoch, forgotten.Forgotten, held.Held, standings.Standing,
    facts.NodeFacts, facts.FactChange,
    forwardings.Forwarding, waves.Upgrade, waves.UpgradeNode,
    configuration.Configuration, configuration.ConfigurationChange, governors.Governor, governors.GovernorLease,
    conversations.Conversation, conversations.Heard, outgoing.Outgoing,
    sharing.Invitation, invites.Invite,
    sessions.Session, tickets.Ticket, mails.Mail, second_factor.SecondFactor, second_factor.RecoveryCode,
]  # fmt: skip


def check_of(table: str, column: str) -> set[str]:
    """The values that the database itself allows in a column."""
    if database.on_sqlite():
        [(sql,)] = db.execute_sql("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchall()
        [values] = re.findall(rf"CHECK \({column} IN \(([^)]*)\)", sql)
    else:
        question = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"
        [(values,)] = db.execute_sql(question, (table, f"{table}_{column}_check")).fetchall()
    return set(re.findall(r"'([a-z_]+)'", values))


@pytest.mark.parametrize(("table", "column"), list(CHECKS))
def test_a_check_allows_what_core_knows(service: Callable[[], None], table: str, column: str) -> None:
    assert check_of(table, column) == {str(value) for value in CHECKS[table, column]}


@pytest.mark.parametrize("table", TABLES)
def test_a_model_has_the_columns_of_its_table(service: Callable[[], None], table: type[peewee.Model]) -> None:
    meta = table._meta
    assert {field.column_name for field in meta.fields.values()} == {
        column.name for column in db.get_columns(meta.table_name)
    }


@pytest.mark.parametrize(
    "name", ["my", "a", "a-b", "0", "a" * 63, "a" * 64, "", "-a", "a-", "A", "a.b", "a\n", "a_b", "ä", "а", "a b"]
)
def test_the_database_knows_a_bots_name_as_core_does(service: Callable[[], None], name: str) -> None:
    try:
        names.bot_name(name)
        good = True
    except Invalid:
        good = False
    try:
        with db.atomic():
            agents.add(names.new_id(), AgentType.BOT, name, "", 1.0)
        taken = True
    except peewee.IntegrityError:
        taken = False
    assert taken == good


def _migrate(address: str, told: "multiprocessing.Queue[list[str]]", start: object) -> None:
    database.connect(address)
    start.wait()  # type: ignore[attr-defined]
    told.put(schema.migrate())


def test_two_processes_migrate_at_once_and_each_step_is_applied_once(fresh_url: str) -> None:
    spawn = multiprocessing.get_context("fork")
    told, start = spawn.Queue(), spawn.Event()
    both = [spawn.Process(target=_migrate, args=(fresh_url, told, start)) for _ in range(2)]
    for process in both:
        process.start()
    start.set()
    applied = [told.get(timeout=20) for _ in both]
    for process in both:
        process.join()
    steps = Path(database.__file__).parent.glob("migrations/0*.py")
    assert sorted(applied) == [[], sorted(step.stem for step in steps)]


def test_without_tables_the_sentence_says_what_to_run(fresh_url: str) -> None:
    database.connect(fresh_url)
    with pytest.raises(Unavailable, match="migrate"), transaction():
        nodes.listed()
    database.release()


def test_an_address_of_another_kind_is_refused() -> None:
    for wrong in ("mysql://x/y", "sqlite://x", "sqlite:///", "", "/tmp/x"):
        with pytest.raises(Invalid, match="CELLAR_DATABASE"):
            database.connect(wrong)


def test_a_transaction_is_all_or_nothing_and_joins_the_outer_one(service: Callable[[], None]) -> None:
    def half() -> None:
        with transaction():
            masters.put("a", "1", 1.0)
            with transaction():
                masters.put("b", "2", 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert masters.hashes() == []


def test_a_connection_that_the_server_closed_is_renewed(service: Callable[[], None]) -> None:
    if database.on_sqlite():
        db.connection().close()
        database.release()
    else:
        [(pid,)] = db.execute_sql("SELECT pg_backend_pid()").fetchall()
        database.release()
        with transaction():
            db.execute_sql("SELECT pg_terminate_backend(%s)", (pid,))
            [(mine,)] = db.execute_sql("SELECT pg_backend_pid()").fetchall()
        import psycopg

        with psycopg.connect(db.obj.database) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (mine,))
    with transaction():
        masters.put("a", "1", 1.0)
    assert masters.hashes() == [("a", "1")]


def test_a_busy_database_is_named_so(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    holding, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction():
            holding.set()
            leave.wait(10)
        database.release()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    statement = "PRAGMA busy_timeout = 50" if database.on_sqlite() else "SET lock_timeout = '50ms'"
    db.execute_sql(statement)
    with pytest.raises(Unavailable, match="busy"), transaction():
        masters.put("a", "1", 1.0)
    leave.set()
    thread.join()


def test_accounts_from_before_payments_have_a_trial_and_their_hold(fresh_url: str, tmp_path: Path) -> None:
    """An existing account that an operator suspended does not owe at once, and a payment does not resume it."""
    database.connect(fresh_url)
    for name in ("0001_first", "0003_payments"):
        shutil.copy(Path(migrations.__file__).parent / f"{name}.py", tmp_path)
    later = (tmp_path / "0003_payments.py").rename(tmp_path / "later.txt")
    with transaction():
        list(Runner(db.obj, str(tmp_path)).up())
        for id, state in (("a", "active"), ("b", "suspended")):
            db.execute_sql(f"INSERT INTO agent VALUES ('{id}', 'person', 'x', '', 1, NULL)")
            db.execute_sql(f"INSERT INTO account VALUES ('{id}', '{id}', 'x', '{state}', 'person')")
    later.rename(tmp_path / "0003_payments.py")
    with transaction():
        list(Runner(db.obj, str(tmp_path)).up())
    assert [row.account for row in payments.listed()] == ["a", "b"]
    assert all(0 < row.trial_ends - time.time() <= 14 * 86_400 for row in payments.listed())
    assert (holds.of("a"), holds.of("b")) == (set(), {Hold.OPERATOR})
    database.release()
