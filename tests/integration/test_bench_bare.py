"""The bare servers that the benchmarks compare ours with."""

from pathlib import Path

import pytest
import requests
from daemons import Service

from bench import pillar


@pytest.mark.parametrize(
    ("module", "path"),
    [("bare", "/pillar/cellar-1"), ("bare_bolt", "/healthz"), ("bare_door", "/healthz"), ("bare_page", "/page/1000")],
)
def test_a_bare_server_answers(module: str, path: str, tmp_path: Path) -> None:
    (body := tmp_path / "body").write_text("{}")
    service = Service(tmp_path / "service")
    service.environment["CELLAR_SLACK_SIGNING_SECRET"] = "only-for-tests"
    with pillar.bare(service, tmp_path, path, module, str(body)) as url:
        assert requests.get(f"{url}{path}", timeout=5).ok
