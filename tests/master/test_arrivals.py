"""What a node that starts is told to fetch."""

from pathlib import Path

from pillar_service.master.dispatch import arrivals

STATES = Path(__file__).parents[2] / "states"


def test_it_fetches_each_kind_of_module_that_is_served() -> None:
    served = {folder.name.removeprefix("_") for folder in STATES.glob("_*") if folder.is_dir()}
    assert served - {"_pycache__"} == set(arrivals.SERVED)
    assert len(arrivals.SYNC) == len(arrivals.ARGUMENTS)
