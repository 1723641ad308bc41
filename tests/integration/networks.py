"""Networks of various quality between a node and the centre, for test hosts."""

from dataclasses import dataclass

RULES = """
table inet faults {{
  chain come {{ type filter hook input priority 0; iifname != "lo" {come}; }}
  chain go {{ type filter hook output priority 0; oifname != "lo" {go}; }}
}}
"""
SOME = "numgen random mod 100 < 25 drop"
ALL_THAT_SAY_SOMETHING = "meta length > 120 drop"
"""Connections are established, but anything said over them is lost: only packets with content are long enough to be dropped."""


@dataclass(frozen=True)
class Network:
    """What happens to packets that a host sends (`go`) and receives (`come`), in nftables' words; `rate` is in tc's.

    ``is_heard``: whether what is told behind this network arrives at the centre.
    """

    name: str
    is_heard: bool
    go: str = "accept"
    come: str = "accept"
    rate: str = ""

    def rules(self) -> str:
        """The whole table for `nft -f`, replacing the one before."""
        return "table inet faults\ndelete table inet faults\n" + RULES.format(go=self.go, come=self.come)


GOOD = Network("good", is_heard=True)
NONE = Network("none", is_heard=False, go="drop", come="drop")
SLOW = Network("slow", is_heard=True, rate="128kbit")
LOSSY = Network("lossy", is_heard=True, go=SOME, come=SOME)
DEAF = Network("deaf", is_heard=True, come=ALL_THAT_SAY_SOMETHING)
DUMB = Network("dumb", is_heard=False, go=ALL_THAT_SAY_SOMETHING)
