"""The benchmarks, with the figures that Saltcellar must reach: ``make bench``, or ``python -m bench [NAME …]``."""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]

# The daemons that are measured are those that the tests start.
sys.path[:0] = [str(TOP / "tests" / "integration"), str(TOP / "tests")]
