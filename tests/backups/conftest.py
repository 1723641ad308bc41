"""Makes sshd.py and daemons.py importable: a real OpenSSH server, for repositories over SFTP."""

import sys
from pathlib import Path

for name in ("integration", "enrolment"):
    sys.path.insert(0, str(Path(__file__).parent.parent / name))
