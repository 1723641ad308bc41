"""The steps in which `python -m bench pubs` grows, and that equal figures give equal pictures."""

from pathlib import Path

import pytest

from bench import pubs, pubs_drawn


@pytest.mark.parametrize(
    ("most", "steps"),
    [(5, [5]), (14, [10, 14]), (100, [10, 25, 50, 75, 100]), (210, [10, 25, 50, 75, 100, 150, 200, 210])],
)
def test_it_grows_in_steps_to_just_so_many(most: int, steps: list[int]) -> None:
    assert list(pubs.steps(most)) == steps


def test_the_picture_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    found = [pubs.Step(size, 40.0, 35.0, 9000.0, 0.2, [3.0, 4.0], [9.0, 12.0]) for size in (10, 25)]
    for name in ("one", "two"):
        pubs_drawn.draw(found, tmp_path / name)
    assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text()
    assert "pubs on one node" in (tmp_path / "one").read_text()
