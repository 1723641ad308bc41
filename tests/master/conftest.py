"""A master's configuration in a folder of its own."""

from pathlib import Path
from typing import Any

import pytest
import salt.config


@pytest.fixture
def opts(tmp_path: Path) -> dict[str, Any]:
    there = {name: str(tmp_path / name) for name in ("cachedir", "sock_dir", "pki_dir", "log_file", "conf_file")}
    return dict(salt.config.apply_master_config({**there, "root_dir": str(tmp_path), "id": "salt_master"}))
