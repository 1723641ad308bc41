"""What a network between a node and the centre can be like, for hosts of their own."""

from dataclasses import dataclass

RULES = """
table inet faults {{
  chain come {{ type filter hook input priority 0; iifname != "lo" {come}; }}
  chain go {{ type filter hook output priority 0; oifname != "lo" {go}; }}
}}
"""
SOME = "numgen random mod 100 < 25 drop"
ALL_THAT_SAY_SOMETHING = "meta length > 120 drop"
"""A connection is made, and what is said over it vanishes: the packets that make and acknowledge are smaller."""


@dataclass(frozen=True)
class Network:
    """What becomes of the packets that a host sends (`go`) and is sent (`come`), as nftables says it; its `rate`, as tc does.

    ``is_heard``: whether the centre hears what is told behind such a network.
    """

    name: str
    is_heard: bool
    go: str = "accept"
    come: str = "accept"
    rate: str = ""

    def rules(self) -> str:
        """The whole table, for `nft -f`, in the place of the one before."""
        return "table inet faults\ndelete table inet faults\n" + RULES.format(go=self.go, come=self.come)


GOOD = Network("good", is_heard=True)
NONE = Network("none", is_heard=False, go="drop", come="drop")
SLOW = Network("slow", is_heard=True, rate="128kbit")
LOSSY = Network("lossy", is_heard=True, go=SOME, come=SOME)
DEAF = Network("deaf", is_heard=True, come=ALL_THAT_SAY_SOMETHING)
DUMB = Network("dumb", is_heard=False, go=ALL_THAT_SAY_SOMETHING)
