"""The figures of several rounds, and how they are written."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """One figure for each round, in the order of the rounds."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    def percentile(self, percent: int) -> float:
        """The smallest figure that this percentage of the rounds does not exceed (nearest rank)."""
        ranked = sorted(self.rounds)
        return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]

    def over(self, other: "Spread") -> "Spread":
        """The ratio of each round to the same round of another."""
        return Spread(tuple(mine / theirs for mine, theirs in zip(self.rounds, other.rounds, strict=True)))

    def less(self, other: "Spread") -> "Spread":
        """By how much each round is more than the same round of another."""
        return Spread(tuple(mine - theirs for mine, theirs in zip(self.rounds, other.rounds, strict=True)))

    def shown(self, decimals: int = 1) -> str:
        """The median and, in brackets, least and most."""
        low, high = min(self.rounds), max(self.rounds)
        return f"{self.median:,.{decimals}f} ({low:,.{decimals}f} to {high:,.{decimals}f})"

    def in_ms(self) -> str:
        """Figures in seconds, as the 50th and 95th percentile and the most in milliseconds."""
        most = max(self.rounds) * 1000
        return f"p50 {self.percentile(50) * 1000:.1f}, p95 {self.percentile(95) * 1000:.1f} (most {most:.0f})"
