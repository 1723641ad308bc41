"""A control plane's states for each choice, judged by their readers: nginx, systemd, our settings."""

import re
import stat
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
from rendered import TOP, Rendered

from pillar_service.settings import read
from pillar_service.web.serve import STOP_S

FILES = {"domain": "cellar.test", "certificates": "files"}
ACME = {
    "writable": ["/mnt/backups"],
    "domain": "cellar.test",
    "contact": "ops@cellar.test",
    "database": "postgresql",
    "slack": True,
    "settings": {"CELLAR_BACKUP_REPOSITORY": "/mnt/backups"},
}

NASTY = '"Jürg\'s" `id` $HOME \\\\n & co <post@cellar.test>'

UNITS = {
    "saltcellar-public": 15,
    "saltcellar-private": 15,
    "saltcellar-chat": 15,
    "saltcellar-backups": 19,
    "saltcellar-master": 26,
}
"""How exposed each unit may be by `systemd-analyze security`, in tenths."""


@pytest.fixture(scope="module")
def by_files(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return Rendered(
        tmp_path_factory.mktemp("files"), **FILES, masters_listen="127.0.0.1:8443", settings={"CELLAR_MAIL_FROM": NASTY}
    )


@pytest.fixture(scope="module")
def by_acme(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return Rendered(tmp_path_factory.mktemp("acme"), **ACME)


def settings_of(rendered: Rendered, secret: Path) -> dict[str, str]:
    """The service's environment as bash reads it, with an existing secret in place of each secret's file."""
    (secret.parent / "env").write_text(rendered.file("cellar settings"))
    command = ["env", "-i", "bash", "-c", 'set -a; . "$1"; env -0', "bash", secret.parent / "env"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    environment = dict(line.split("=", 1) for line in done.stdout.split("\0") if line.startswith("CELLAR_"))
    return {name: str(secret) if name.endswith("_FILE") else value for name, value in environment.items()}


def test_the_service_takes_its_settings(by_files, by_acme, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("f" * 64)

    files, acme = read(settings_of(by_files, secret)), read(settings_of(by_acme, secret))
    assert (files.database, files.address, files.proxies) == (
        "sqlite:////var/lib/cellar/service/cellar.db",
        "https://cellar.test",
        1,
    )
    assert files.mail_from == NASTY
    assert acme.database == "postgresql:///saltcellar?host=/var/run/postgresql"


def test_what_may_be_told_is_for_the_service_alone(by_files, by_acme):
    for state, name in (("cellar settings", "group"), ("cellar secrets are kept", "group")):
        assert (by_files.argument(state, name), by_files.argument(state, "mode")) == ("saltcellar", "0640")


def test_who_may_ask_for_what_outlives_a_release(by_files):
    assert 'CELLAR_CATALOGUE="/etc/cellar/meeseeks"\n' in by_files.file("cellar settings")
    for name in ("roles", "personas"):
        state = f"cellar {name}"
        told = [by_files.argument(state, word) for word in ("name", "source", "replace", "mode")]
        kept, shipped = (f"{folder}/meeseeks/{name}.yaml" for folder in ("/etc/cellar", "/opt/cellar/tree/salt"))
        assert told == [kept, shipped, False, "0640"]
        assert (TOP / "salt/meeseeks" / f"{name}.yaml").is_file()


def test_commands_are_the_releases_unless_a_place_has_its_own(by_files, tmp_path):
    own = tmp_path / "commands.yaml"
    asked = by_files.argument("cellar commands", "unless").replace("/etc/cellar/meeseeks/commands.yaml", str(own))
    assert subprocess.run(["sh", "-c", asked], check=False).returncode != 0
    own.symlink_to("/etc/hostname")
    assert subprocess.run(["sh", "-c", asked], check=False).returncode != 0
    own.unlink()
    own.write_text("commands: {}\n")
    assert subprocess.run(["sh", "-c", asked], check=False).returncode == 0


def test_postgresql_and_slack_are_there_only_where_they_are_wanted(by_files, by_acme):
    assert by_acme.argument("cellar database", "owner") == "saltcellar"
    assert by_acme.argument("cellar role", "createdb") is True, "it keeps backups, which are verified"
    assert {"saltcellar-chat unit", "saltcellar-backups unit"} <= set(by_acme.states)
    assert not {"cellar database", "saltcellar-chat unit", "saltcellar-backups unit"} & set(by_files.states)


def test_backups_hold_what_was_configured_and_the_masters_keys(by_acme):
    told = dict(
        line.split("=", 1) for line in by_acme.file("cellar settings").splitlines() if line.startswith("CELLAR_")
    )
    assert told["CELLAR_BACKUP_PATHS"] == '"/etc/cellar /var/lib/cellar/master/pki"'
    assert "pki_dir: /var/lib/cellar/master/pki\n" in by_acme.file("cellar master configuration")
    assert told["CELLAR_BACKUP_KEEPER"] == '"own"'


def test_who_names_more_to_back_up_still_has_the_pillar_and_the_masters_keys(tmp_path):
    more = {"CELLAR_BACKUP_REPOSITORY": "/mnt/backups", "CELLAR_BACKUP_PATHS": "'/srv/my notes' /etc/hosts"}
    told = Rendered(tmp_path, **FILES, settings=more).file("cellar settings")
    paths = "/etc/cellar /var/lib/cellar/master/pki '/srv/my notes' /etc/hosts"
    assert f'\nCELLAR_BACKUP_PATHS="{paths}"\n' in told


def test_nginx_takes_its_sites(by_files, by_acme, tmp_path):
    for rendered, name in ((by_files, "files"), (by_acme, "acme")):
        nginx(rendered, tmp_path / name)


def nginx(rendered: Rendered, folder: Path) -> None:
    folder.mkdir()
    certificate, key = folder / "certificate", folder / "key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=cellar.test", "-out", certificate, "-keyout", key], check=True, capture_output=True,
    )  # fmt: skip
    https = rendered.file("cellar site https")
    for word, ours in (("ssl_certificate ", certificate), ("ssl_certificate_key ", key)):
        line = next(line for line in https.splitlines() if line.strip().startswith(word))
        https = https.replace(line, f"{word}{ours};")
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/error; events {{}}\n"
        f"http {{\n{rendered.file('cellar site http')}\n{https}\n}}\n"
    )
    done = subprocess.run(["nginx", "-t", "-c", folder / "nginx.conf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nginx_writes_no_address_down_for_a_mailed_link_is_a_secret(by_files):
    for site in ("cellar site http", "cellar site https"):
        servers = re.split(r"^server \{$", by_files.file(site), flags=re.MULTILINE)[1:]
        assert [server.count("access_log off;") for server in servers] == [1] * len(servers), site


def test_nginx_and_the_master_find_the_apps_on_other_ports(tmp_path):
    ports = {"CELLAR_PUBLIC_PORT": 9080, "CELLAR_PRIVATE_PORT": "9081"}
    rendered = Rendered(tmp_path, **FILES, masters_listen="127.0.0.1:8443", settings=ports)
    assert "server 127.0.0.1:9080;" in rendered.file("cellar site https")
    assert "proxy_pass http://127.0.0.1:9081;" in rendered.file("cellar site https")
    assert "  url: http://127.0.0.1:9081\n" in rendered.file("cellar master configuration")


def test_other_machines_hear_nothing_of_how_the_private_app_does(by_files):
    masters = by_files.file("cellar site https").rpartition("server {")[2]
    assert "location ~ ^/(metrics|healthz|readyz)$ { return 403; }" in masters


def test_the_private_app_speaks_with_others_only_where_it_has_to(by_files, by_acme, tmp_path):
    told = {"stripe": {"CELLAR_PAYMENTS": "stripe"}, "sftp": {"CELLAR_BACKUP_REPOSITORY": "sftp:ops@vault:/cellar"}}
    units = {name: Rendered(tmp_path / name, **FILES, settings=chosen) for name, chosen in told.items()}
    closed = {
        name: "\nIPAddressDeny=any\n" in one.file("saltcellar-private unit")
        for name, one in {"files": by_files, "acme": by_acme, **units}.items()
    }
    assert closed == {"files": True, "acme": True, "stripe": False, "sftp": False}


def test_who_calls_restic_may_say_what_powers_it_has(by_files, by_acme):
    lets = "\nSystemCallFilter=capset\n"
    for name in ("saltcellar-private", "saltcellar-backups"):
        assert lets in by_acme.file(f"{name} unit"), "salt-run backups.show asks the repository by the private app"
    assert lets not in by_files.file("saltcellar-private unit")


def test_systemd_takes_the_units_and_finds_them_closed(by_files, by_acme, tmp_path):
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for program in ("opt/cellar/run", "opt/cellar/tree/.venv/bin/salt-master", "bin/cp"):
        there = tmp_path / program
        there.parent.mkdir(parents=True, exist_ok=True)
        there.touch()
        there.chmod(stat.S_IRWXU)
    for target in ("multi-user", "network-online", "sysinit", "basic", "shutdown"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=one of systemd's\n")
    for name, most in UNITS.items():
        unit = units / f"{name}.service"
        unit.write_text(by_acme.file(f"{name} unit"))
        assert ("ReadWritePaths=-/mnt/backups\n" in unit.read_text()) == (name != "saltcellar-master")
        analyze("verify", f"--root={tmp_path}", unit.name)
        analyze("security", "--offline=true", f"--root={tmp_path}", f"--threshold={most}", unit.name)


def test_each_unit_keeps_what_it_was_started_with_for_the_next_run_to_compare(by_acme):
    for name in UNITS:
        lines = by_acme.file(f"{name} unit").splitlines()
        copies = {line.partition("=")[2] for line in lines if line.startswith(("ExecStartPost=", "ExecReload=/bin/cp"))}
        [(_, told, kept)] = [copy.split(" ") for copy in copies]
        asked = by_acme.argument(f"{name} goes by what it is told", "unless")
        assert asked == f"cmp -s {told} {kept.replace('%t', '/run')}"
        first = {next(iter(one.values())) for one in by_acme.argument(name, "require")}
        [writes] = [state for state in first if told == by_acme.argument(state, "name")]
        assert "# Of the release none.\n" in by_acme.file(writes), "another release is another text"


def test_a_server_is_followed_by_one_of_the_release_that_is_there_then(by_files):
    for name in ("saltcellar-public", "saltcellar-private"):
        unit = by_files.file(f"{name} unit")
        assert "ExecReload=/opt/cellar/run -m pillar_service.web restart $MAINPID\nExecReload=/bin/cp " in unit
        assert "\nTimeoutStopSec=75\n" in unit
        assert STOP_S < 75, "what was begun may end"
        assert by_files.argument(f"{name} goes by what it is told", "name") == f"systemctl reload-or-restart {name}"
    assert 'CELLAR_LAUNCHER="/opt/cellar/run"\n' in by_files.file("cellar settings")


def test_all_else_stays_what_it_was_where_the_private_app_does_not_come_to_serve(by_acme):
    for name in UNITS:
        waits = {"cmd": "saltcellar-private goes by what it is told"} in by_acme.argument(name, "require")
        assert waits == (name != "saltcellar-private")


def test_the_database_is_asked_whether_something_is_to_come_not_whether_a_file_changed(by_files):
    assert by_files.argument("cellar schema", "unless") == "/usr/local/sbin/cellar manage migrate --check"
    assert by_files.argument("cellar schema", "onchanges") is None


def test_what_nginx_refused_is_asked_again(by_files, tmp_path):
    """Runs the state's own check, with a function in place of nginx."""
    site = tmp_path / "cellar-https.conf"
    site.write_text("one")
    state = "cellar nginx speaks TLS"
    asked, done = by_files.argument(state, "unless"), by_files.argument(state, "name")

    def sh(command: str, answers: str = "true") -> int:
        ours = f"nginx() {{ {answers}; }}; systemctl() {{ :; }}; {command}"
        return subprocess.run(["sh", "-c", ours], cwd=tmp_path, check=False, capture_output=True).returncode

    assert sh(asked) != 0
    assert sh(done, "false") != 0
    assert sh(asked) != 0, "it was refused, so it is asked again"
    assert (sh(done), sh(asked)) == (0, 0)
    site.write_text("another")
    assert sh(asked) != 0


def test_who_removes_a_place_removes_what_nginx_took(by_files):
    """Otherwise nginx would not be told of the sites of the next place, if they are the same."""
    [line] = re.findall(r"`rm -r (/opt/cellar [^`]*)`", (TOP / "docs/install.md").read_text())
    folder = by_files.argument("cellar nginx speaks TLS", "cwd")
    [noted] = re.findall(r"> (\S+)$", by_files.argument("cellar nginx speaks TLS", "name"))
    assert any(fnmatch(f"{folder}/{noted}", word) for word in line.split())


def test_the_masters_logs_are_rotated(by_files, tmp_path):
    told, log, state = by_files.file("cellar logs are rotated"), tmp_path / "log", tmp_path / "state"
    (tmp_path / "conf").write_text(
        told.replace("/var/log/cellar/", f"{log}/").replace("/var/lib/cellar/local/", f"{log}/local-")
    )
    log.mkdir(mode=0o700)
    for name in ("master", "key", "local-log"):
        (log / name).write_text("a line\n")
    done = subprocess.run(
        ["logrotate", "--force", "--state", state, tmp_path / "conf"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {file.name for file in log.iterdir()} == {"master.1", "key.1", "local-log.1"}


def analyze(*arguments: str) -> None:
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-300:] + done.stderr


@pytest.mark.parametrize("state", ["cellar command", "cellar run"])
def test_the_command_is_a_script_that_bash_takes(by_files, tmp_path, state):
    script = tmp_path / "cellar"
    script.write_text(by_files.file(state))
    subprocess.run(["bash", "-n", script], check=True)
    done = subprocess.run(["shellcheck", "-e", "SC1091", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({}, "'domain' must be the place's name in DNS"),
        ({"domain": "Butt.nz; rm -rf"}, "'domain' must be the place's name in DNS"),
        ({"domain": "butt.nz"}, "'contact' must be a mail address"),
        (FILES | {"certificates": "none"}, "'certificates' must be acme or files"),
        (FILES | {"database": "mysql"}, "'database' must be sqlite or postgresql"),
        (FILES | {"masters_listen": "8443; evil"}, "'masters_listen' must be an address and a port"),
        (FILES | {"writable": ["/mnt", "/mnt/a b"]}, "'writable' must be a list of folders"),
        (FILES | {"writable": "/mnt"}, "'writable' must be a list of folders"),
        (FILES | {"domian": "butt.nz"}, "known below 'controlplane' are domain, contact"),
        (
            FILES | {"settings": {"CELLAR_DOMAIN": "a\nCELLAR_FILES=/"}},
            "'settings' has CELLAR_DOMAIN, which is not a line",
        ),
        (
            FILES | {"settings": {"CELLAR_BACKUP_REPOSITORY": None}},
            "'settings' has CELLAR_BACKUP_REPOSITORY, which is not a line of text",
        ),
        (FILES | {"settings": {"CELLAR_DOMAIN": ["a"]}}, "'settings' has CELLAR_DOMAIN, which is not a line of text"),
        (FILES | {"settings": {"CELLAR_DOMIAN": "a"}}, "'settings' has CELLAR_DOMIAN, which is no setting"),
        (FILES | {"settings": {"DOMAIN": "a"}}, "'settings' has DOMAIN, which is no setting"),
        (FILES | {"settings": {"CELLAR_MAIL": "smtp://me:hidden@h"}}, "put it into the file /etc/cellar/secrets/mail"),
        (FILES | {"settings": {"CELLAR_STRIPE_KEY_FILE": "/k"}}, "put it into the file /etc/cellar/secrets/stripe-key"),
        (
            FILES | {"settings": {"CELLAR_DATABASE": "postgresql://me:hidden@h/c"}},
            "the file /etc/cellar/secrets/database",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(told, sentence, tmp_path):
    rendered = Rendered(tmp_path, **told)
    assert list(rendered.states) == ["controlplane pillar"]
    assert sentence in rendered.argument("controlplane pillar", "name")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("slack_bot_token", "nothing reads the secret {}: call it slack-bot-token"),
        ("MAIL", "nothing reads the secret {}: call it mail"),
        ("no-such-thing", "no setting takes the secret {}: name it after its setting, or remove it"),
    ],
)
def test_a_secret_that_nothing_would_read_is_refused(name, sentence, tmp_path):
    kept = tmp_path / "secrets"
    kept.mkdir()
    for there in (name, "mail", "secret-key.part", "id_ed25519"):
        (kept / there).write_text("hidden")
    rendered = Rendered(tmp_path / "rendered", **FILES, secrets=str(kept))  # a key that is refused, too, but only then
    told = rendered.argument("controlplane pillar", "name")
    assert sentence.format(kept / name) in told
    assert told.count(" the secret ") == 1


def test_the_example_is_a_pillar_that_is_taken(tmp_path):
    import yaml

    told = yaml.safe_load((TOP / "salt/pillar/controlplane.sls.example").read_text())
    assert "controlplane pillar" not in Rendered(tmp_path, **told["controlplane"]).states
