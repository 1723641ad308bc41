import time
from typing import Any

from flask.testing import FlaskClient
from pouring import carry_out, owner, poured, told

from pillar_service.store.bots import bots as rows
from pillar_service.store.database import transaction
from pillar_service.usecases.bots import bots


def test_data_whose_time_has_come_is_asked_to_go_once(master: FlaskClient, private_app: Any) -> None:
    owner()
    id = poured()["id"]
    bots.delete("test", "my", purge=False)
    carry_out()
    assert master.post("/purges", json={}).json == {"jobs": []}
    with transaction():
        rows.change(id, purge_at=time.time() - 1)
    [job] = master.post("/purges", json={}).json["jobs"]
    assert (job["command"], job["bot"]) == ("bots.purge", id)
    assert master.post("/purges", json={}).json == {"jobs": []}
    assert told()[id]["purge"] is True
    assert private_app.test_client().post("/purges", json={}).status_code == 401
    again = master.delete(f"/agents/{id}?purge=true")
    assert again.status_code == 202
    carry_out()
    assert told() == {}
