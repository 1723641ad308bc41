"""A bundle of wheels like vagrant/node-bundle.sh makes, but small: our package as it is here; the rest is borrowed."""

import base64
import hashlib
import io
import sysconfig
import tarfile
import zipfile
from pathlib import Path

from pillar_service import __version__

TOP = Path(__file__).resolve().parents[2]
MINION = "#!python\nimport time\ntime.sleep(600)\n"
REAL_MINION = "#!python\nfrom salt.scripts import salt_minion\nif __name__ == '__main__':\n    salt_minion()\n"


def _content(minion: str, version: str) -> dict[str, bytes]:
    info = f"saltcellar-{version}.dist-info"
    sources = [
        path
        for room in ("core", "documents", "node")
        for path in (TOP / "pillar_service" / room).rglob("*")
        if path.suffix in (".py", ".sh")
    ]
    content = {str(path.relative_to(TOP)): path.read_bytes() for path in [TOP / "pillar_service/__init__.py", *sources]}
    metadata = f"Metadata-Version: 2.1\nName: saltcellar\nVersion: {version}\nProvides-Extra: node\n"
    return content | {
        "borrowed.pth": sysconfig.get_paths()["purelib"].encode(),  # where Salt and the rest are
        f"saltcellar-{version}.data/scripts/salt-minion": minion.encode(),
        f"{info}/entry_points.txt": b"[salt.loader]\nsaltcellar_node = pillar_service.node\n",
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }


def wheel(minion: str, version: str = __version__) -> bytes:
    """Our package as a wheel without requirements."""
    content, packed, lines = _content(minion, version), io.BytesIO(), []
    record = f"saltcellar-{version}.dist-info/RECORD"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in content.items():
            archive.writestr(name, body)
            digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(body)}")
        archive.writestr(record, "\n".join([*lines, f"{record},,", ""]))
    return packed.getvalue()


def bundle(file: Path, minion: str = MINION, version: str = __version__) -> Path:
    """Write the bundle to a file."""
    body = wheel(minion, version)
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo(f"saltcellar-{version}-py3-none-any.whl")
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    return file
