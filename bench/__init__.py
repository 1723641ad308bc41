"""The figures that Saltcellar is held to: ``make bench``, or ``python -m bench [NAME …]``."""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]

# The daemons that the tests start are the ones that are measured.
sys.path[:0] = [str(TOP / "tests" / "integration"), str(TOP / "tests")]
