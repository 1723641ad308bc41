"""The one tree of errors.

An error's message is the sentence that the person reads. Its class carries what the code that catches it must decide.

    SaltcellarError            status  exit  permanent
    ├── Invalid                   422     2  yes     the request itself is wrong; the message says how to fix it
    ├── Unauthenticated           401     3  yes     it is not known who asks
    ├── Forbidden                 403     3  yes     it is known who asks, and they may not
    │   └── TooMany               429     3  no      too many attempts; wait
    ├── NotFound                  404     4  yes
    │   └── NoNodes               404     4  yes     none of the chosen nodes is one on which they may run it
    ├── Conflict                  409     5  yes     valid in itself, but it conflicts with the present state
    │   ├── ForkHazard            409     5  yes     would let one identity run twice, or run from an old log
    │   └── Changed               412     5  yes     not as the asker last saw it: the error holds the present state
    ├── Full                      507     6  no      no room left: disk, ports, nodes
    ├── Unavailable               503     7  no      something that is needed is away; try again
    └── Failed                    500     1  no      it was tried, and did not work
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class SaltcellarError(Exception):
    """Base of every error that Saltcellar raises on purpose.

    ``status`` is the HTTP status, ``exit_code`` the exit code of a process, ``permanent`` says that trying again is
    pointless, and ``retry_after_s`` after how many seconds to try again, if that is known.
    """

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    permanent: ClassVar[bool] = False
    title: ClassVar[str] = "Something went wrong"
    retry_after_s: ClassVar[int | None] = None

    @property
    def sentence(self) -> str:
        """What the person reads."""
        return str(self)


class Invalid(SaltcellarError):
    status, exit_code, permanent, title = 422, 2, True, "Not valid"


class Unauthenticated(SaltcellarError):
    status, exit_code, permanent, title = 401, 3, True, "Not signed in"


class Forbidden(SaltcellarError):
    status, exit_code, permanent, title = 403, 3, True, "Not allowed"


class TooMany(Forbidden):
    status, exit_code, permanent, title = 429, 3, False, "Too many attempts"
    retry_after_s = 900


class NotFound(SaltcellarError):
    status, exit_code, permanent, title = 404, 4, True, "Not found"


class NoNodes(NotFound):
    title = "No node fits"


class Conflict(SaltcellarError):
    status, exit_code, permanent, title = 409, 5, True, "In conflict with what is there"


class ForkHazard(Conflict):
    title = "Would fork the identity"


class Changed(Conflict):
    """``current`` is what there is instead of what was expected, as it is shown; None if nothing, or unknown."""

    status, title = 412, "Changed meanwhile"

    def __init__(self, sentence: str, current: Mapping[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.current = current


class Full(SaltcellarError):
    status, exit_code, permanent, title = 507, 6, False, "No room left"


class Unavailable(SaltcellarError):
    status, exit_code, permanent, title = 503, 7, False, "Away for now"
    retry_after_s = 5


class Failed(SaltcellarError):
    status, exit_code, permanent, title = 500, 1, False, "Did not work"
