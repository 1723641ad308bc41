"""Whether the service is seen to run, at whatever address it listens."""

import socket

import pytest

from pillar_service.core.errors import Conflict
from pillar_service.usecases.service import doors


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "[::1]")])
def test_a_service_that_answers_is_seen(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host.strip("[]"), 0), family=family) as listening:
        door = f"{host}:{listening.getsockname()[1]}"
        with pytest.raises(Conflict, match="Something answers at"):
            doors.refuse_where_one_answers([door])
    doors.refuse_where_one_answers([door])
