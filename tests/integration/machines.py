"""Whole machines for tests: Debian with systemd in containers, which reach each other, this machine and Debian's mirror."""

import secrets
import subprocess
from pathlib import Path

from daemons import until

TOP = Path(__file__).resolve().parents[2]
IMAGE = "saltcellar/test-machine:bookworm"
# What systemd needs in a container, and no more: more is not allowed everywhere.
ALLOWED = [
    *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"),
    *("--cap-add", "DAC_READ_SEARCH"),  # for the unit that makes backups, which hands it on
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"),
    *("-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "-e", "container=docker"),
]


def build() -> None:
    """Builds the machines' image unless it is up to date."""
    subprocess.run([TOP / "vagrant/base-image.sh"], check=True, stdout=subprocess.DEVNULL)
    folder = Path(__file__).with_name("machine")
    docker("build", "-q", "-t", IMAGE, str(folder))


def docker(*arguments: str) -> str:
    """Runs a docker command and returns what it printed; an AssertionError says what went wrong."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


class Machine:
    """A machine; ``hosts`` are further host names that it knows, with their addresses."""

    def __init__(self, name: str, hosts: dict[str, str] | None = None) -> None:
        self.name, self.hosts = name, hosts or {}
        self.container = f"cellar-test-{name}-{secrets.token_hex(4)}"

    def start(self) -> None:
        """Makes the machine and boots it."""
        known = [word for host, address in self.hosts.items() for word in ("--add-host", f"{host}:{address}")]
        docker("run", "-d", "--name", self.container, "--hostname", self.name, *ALLOWED, *known, IMAGE)
        self.wait()

    def wait(self) -> None:
        """Waits until it has booted."""
        until(lambda: self.says("systemctl", "is-system-running") == "running", 60, f"{self.name} has booted")

    def restart(self) -> None:
        """Shuts the machine down and boots it again; whatever was in memory is lost."""
        docker("restart", "-t", "60", self.container)
        self.wait()

    def stop(self) -> None:
        """Removes the machine with its disk."""
        subprocess.run(["docker", "rm", "-fv", self.container], capture_output=True, check=False)

    @property
    def address(self) -> str:
        """The address at which this machine and the others reach it."""
        return docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", self.container).strip()

    def run(self, *command: str, **environment: str) -> str:
        """Runs a command there and returns what it printed; AssertionError if it fails."""
        told = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        return docker("exec", *told, self.container, *command)

    def says(self, *command: str) -> str:
        """Runs a command there and returns what it printed, whether or not it failed."""
        done = subprocess.run(["docker", "exec", self.container, *command], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def put(self, file: Path, path: str) -> None:
        """Copies a file there."""
        self.run("mkdir", "-p", str(Path(path).parent))
        docker("cp", str(file), f"{self.container}:{path}")

    def take(self, path: str, file: Path) -> Path:
        """Copies a file from there."""
        docker("cp", f"{self.container}:{path}", str(file))
        return file
