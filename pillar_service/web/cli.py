"""Commands for whoever sets a machine up; each can safely be run again."""

import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pillar_service import logs
from pillar_service.core.errors import Failed, Invalid, SaltcellarError
from pillar_service.settings import given, settings
from pillar_service.usecases.nodes import bundles, nodes, pillars
from pillar_service.usecases.service import masters, rebuilding, snapshots, storage

ACTOR = "command line"

log = logging.getLogger(__name__)


class Sentences(click.Group):
    """A group of commands: an error is shown as one sentence on stderr, and gives the exit code."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except SaltcellarError as error:
            click.echo(error.sentence, err=True)
            raise SystemExit(error.exit_code) from error
        except OSError as error:
            click.echo(f"{error.filename or 'A file'} can't be used: {error.strerror or error}.", err=True)
            raise SystemExit(Failed.exit_code) from error


@click.group(cls=Sentences)
@click.pass_context
def main(context: click.Context) -> None:
    """The service of Saltcellar."""
    if context.invoked_subcommand != "restore":  # which runs before there are settings
        storage.prepare()


@main.command()
@click.option("--back", is_flag=True, help="Undo the newest step instead; stop the service first.")
@click.option("--to", metavar="STEP", help="Undo everything after STEP instead, such as 0027_lost.")
@click.option("--pending", is_flag=True, help="Only list the steps still to come.")
@click.option("--check", is_flag=True, help="Like --pending, but exit with 1 if there are any.")
def migrate(back: bool, to: str | None, pending: bool, check: bool) -> None:
    """Bring the database up to date, or one step back."""
    if pending or check:
        coming = _say_pending()
        sys.exit(int(check and coming))
    if back or to:
        undone = storage.migrate_back(to)
        click.echo(f"Undone: {', '.join(undone)}." if undone else f"Nothing came after {to}.")
        return
    applied = storage.migrate()
    click.echo(f"Applied: {', '.join(applied)}." if applied else "Up to date.")
    rewritten = pillars.refresh()
    if rewritten:
        click.echo(f"Rewrote the pillars of {rewritten} nodes with the new settings.")


def _say_pending() -> bool:
    at, coming = storage.pending()
    click.echo(f"At {at}." if at else "At no step.")
    for step, stops in coming.items():
        click.echo(f"To come: {step}." + (" The service has to be stopped for it." if stops else ""))
    return bool(coming)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
def copy(file: Path) -> None:
    """Copy the database into FILE (0600), as of one moment, even while it is in use."""
    storage.copy(file)
    click.echo(f"{file}, {file.stat().st_size // 1024} KiB")


@main.command()
@click.argument("name")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), help="Write it there (0600); a working token there is kept."
)
def master_token(name: str, path: Path | None) -> None:
    """Make a token for the master NAME, which ends its old one; print it, or keep it in a file."""
    if path is None:
        click.echo(masters.new_token(ACTOR, name))
    elif path.exists() and masters.has_token(name, path.read_text().strip()):
        click.echo(f"{path} already holds the token of {name}.")
    else:
        _write(path, lambda: masters.new_token(ACTOR, name))
        click.echo(f"Wrote the token of {name} to {path}.")


def _write(path: Path, made: Callable[[], str]) -> None:
    """Write a secret to a file (0600). It is made once the file can be written: making a new token ends the old one."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{made()}\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
def bundle_key(path: Path) -> None:
    """Make the key that bundles are signed with, in a file (0600); a key already there is kept."""
    if path.exists():
        click.echo(f"{path} already holds a key.")
    else:
        _write(path, bundles.new_key)
        click.echo(f"Wrote a new key to {path}: name it in CELLAR_BUNDLE_KEY_FILE and restart the service.")


@main.command()
@click.argument("id")
@click.option("--ports", help="The ports of its bots, such as 20000-20999.")
@click.option("--concurrency", help="How many runs it does at a time.")
def node_add(id: str, ports: str | None, concurrency: str | None) -> None:
    """Add the node ID, or change the one that is there."""
    first, dash, last = (ports or "").partition("-")
    if ports and not dash:
        raise Invalid("--ports takes a range such as 20000-20999.")
    node, is_new = nodes.add(ACTOR, id, first or None, last or None, concurrency)
    click.echo(
        f"{'Added' if is_new else 'There already:'} {node['id']}, ports {node['port_first']}-{node['port_last']}."
    )


@main.command()
@click.argument("id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def node_key(id: str, file: Path) -> None:
    """Set the public key in FILE (PEM) as the key of the node ID."""
    told = nodes.set_key(ACTOR, id, file.read_text(errors="replace"))
    click.echo(f"The key of {told['id']} has the fingerprint {told['key']['fingerprint']}.")


@main.command()
def keep_backups() -> None:
    """Make backups until told to stop, where CELLAR_BACKUP_KEEPER is own."""
    from pillar_service.web import backing_up

    logs.begin(settings().log)
    snapshots.repository()  # wrong settings are reported at once
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    log.info("Backups are made here when they are due or asked for.")
    backing_up.work(threading.Event())


@main.command()
@click.argument("repository")
@click.argument("password_file")
@click.option("--snapshot", help="Its id; without one, the newest.")
@click.option("--sftp-command", default="", help="As CELLAR_BACKUP_SFTP_COMMAND.")
@click.option("--s3-file", default="", help="As CELLAR_BACKUP_S3_FILE.")
@click.option("--show", metavar="PATH", help="Only print this file from the snapshot.")
def restore(
    repository: str, password_file: str, snapshot: str | None, sftp_command: str, s3_file: str, show: str | None
) -> None:
    """Restore a lost control plane from REPOSITORY to where it was; PASSWORD_FILE opens the repository.

    If CELLAR_DATABASE is set, the database must have been at that address.
    """
    with tempfile.TemporaryDirectory() as cache:
        where = snapshots.opened(repository, password_file, Path(cache), sftp_command, s3_file)
        if show:
            click.echo(snapshots.file(where, snapshot, show), nl=False)
        else:
            _say_rebuilt(rebuilding.rebuild(where, snapshot, _database_wanted()))


def _database_wanted() -> str | None:
    told_here = given()
    return None if "CELLAR_DATABASE_FILE" in told_here else told_here.get("CELLAR_DATABASE")


def _say_rebuilt(told: dict[str, Any]) -> None:
    taken = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(told["taken_at"]))
    click.echo(f"The settings that the service had are in {told['settings']}.")
    click.echo(f"Restored {told['database']} from the snapshot {told['snapshot']} of {taken}.")


@main.command()
@click.argument("url")
def move_database(url: str) -> None:
    """Copy the whole database, while the service is stopped, into the empty one at URL, of either kind."""
    from pillar_service.usecases.service import carrying  # imports PostgreSQL's library, which SQLite does without

    counts = carrying.move(ACTOR, url)
    rows = f"{sum(counts.values())} rows of {len(counts)} tables"
    click.echo(f"Moved {rows} to {url}: name it in CELLAR_DATABASE, and start the service.")


@main.command(hidden=True)
@click.argument("snapshot")
def settle(snapshot: str) -> None:
    """Bring a database that was just put back up to date; `restore` does so itself."""
    storage.migrate()
    click.echo(f"Ended {rebuilding.settle(snapshot)} waiting jobs.")
    pillars.refresh()


@main.command()
@click.argument("app", type=click.Choice(["public", "private"]))
@click.option("--access-log", help="A file that gets one line per request.")
def serve(app: str, access_log: str | None) -> None:
    """Serve the APP until told to stop."""
    from pillar_service.web import serve as server  # imports gunicorn, which the other commands do without

    server.run(app, access_log)


@main.command()
@click.argument("pid", type=int)
def restart(pid: int) -> None:
    """Let a new server take over from the one with the process id PID, without a dropped request; print the new id."""
    from pillar_service.web import takeover

    click.echo(takeover.restart(pid))
