"""Turning what ssh and sudo print into one sentence that says what to do. Their words are the only sign of what went wrong."""

NO_SUDO = "cellar:no-sudo"

CHANGED = (
    "The host key of {machine} is not the one that is known: {keys}. Somebody may be intercepting the connection; if the "
    "machine was installed anew, remove the old key from known_hosts (ssh-keygen -R)."
)
UNKNOWN = (
    "The host key of {machine} is not known: {keys}. If the machine itself shows the same (ssh-keygen -lf "
    "/etc/ssh/ssh_host_ed25519_key.pub), give fingerprint={key}, or a file with it (known_hosts=FILE)."
)
REFUSED = "{machine} refuses connections: is sshd running there, on that port?"
SILENT = "{machine} does not answer in time: is it on, and can its port be reached from here?"
OPEN_KEY = "ssh does not accept the key {identity}: others can read it (chmod 600)."
NOT_LET_IN = (
    "{machine} let {user} in with none of the keys tried: give another (identity=FILE); one with a pass phrase needs the "
    "agent (ssh-add FILE)."
)

UNCONNECTED = {
    "Could not resolve": "There is no machine called {address}: {last}",
    "IDENTIFICATION HAS CHANGED": CHANGED,
    "REVOKED HOST KEY": CHANGED,
    "host key is known": UNKNOWN,
    "Host key verification failed": UNKNOWN,
    "Connection refused": REFUSED,
    "timed out": SILENT,
    "UNPROTECTED PRIVATE KEY": OPEN_KEY,
    "Permission denied": NOT_LET_IN,
    "Too many authentication failures": NOT_LET_IN,
}
"""Sentences by words that ssh prints; the first match counts."""

NO_ROOT = {
    NO_SUDO: "{user} is not root on {machine}, and there is no sudo: log in as root (user=root).",
    "sudo: a password is required": "sudo asks {user} for a password on {machine}: allow NOPASSWD, or use user=root.",
    "sudo:": "{user} can't become root on {machine} ({last}): fix that, or use user=root.",
}


def unconnected(said: str) -> str:
    """The sentence for when ssh itself failed (exit status 255)."""
    return _first(UNCONNECTED, said, "ssh could not reach {machine}: {last}")


def no_root(said: str) -> str:
    """The sentence for when ssh got in, but the program did not begin."""
    return _first(NO_ROOT, said, "{user} gets no shell on {machine}: {last}")


def _first(sentences: dict[str, str], said: str, otherwise: str) -> str:
    return next((sentence for words, sentence in sentences.items() if words in said), otherwise)
