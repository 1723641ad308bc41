"""A real OpenSSH server on its own port and with its own keys, for the scratch machine of these tests."""

import os
import subprocess
from getpass import getuser
from pathlib import Path

from daemons import Daemon, until
from ports import free_port

SSHD = "/usr/sbin/sshd"

CONFIGURATION = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
SetEnv {environment}
"""


class Sshd:
    """The server; logins get this environment. ``key`` lets one in, ``known_hosts`` has the host key."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        assert Path(SSHD).exists(), "There is no sshd: make dev installs Debian's openssh-server."
        self.folder, self.port, self.user = folder, free_port(), getuser()
        folder.mkdir()
        self.key, self.known_hosts = self.new_key("key"), folder / "known_hosts"
        host = Path(f"{self.new_key('host_key')}.pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {host}")
        told = " ".join(f'"{name}={value}"' for name, value in environment.items() if value)
        (folder / "sshd_config").write_text(CONFIGURATION.format(port=self.port, folder=folder, environment=told))
        self.daemon = Daemon("sshd", [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], folder)

    def new_key(self, name: str) -> Path:
        """Makes a new key pair."""
        file = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
        return file

    @property
    def fingerprint(self) -> str:
        """The host key's fingerprint, from ssh-keygen."""
        told = subprocess.run(
            ["ssh-keygen", "-lf", f"{self.folder}/host_key.pub"], capture_output=True, text=True, check=True
        )
        return told.stdout.split()[1]

    def log(self) -> str:
        """Everything that it has logged."""
        return (self.folder / "sshd.out").read_text()

    def start(self) -> None:
        """Starts the server and waits until it listens."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.daemon.start()
        until(lambda: "Server listening" in self.log(), 20, "sshd listens")
