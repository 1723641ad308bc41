"""The settings page agrees with the code."""

from pathlib import Path

import pytest

from pillar_service.core.errors import Invalid
from pillar_service.settings import Settings, read
from pillar_service.settings.__main__ import names, table
from pillar_service.settings.known import SETTINGS

TOP = Path(__file__).parent.parent
PAGE = TOP / "docs" / "settings.md"


def test_the_page_is_the_one_that_the_code_makes():
    assert PAGE.read_text() == table(), "Run `make docs`."


def test_the_states_of_a_control_plane_know_each_setting():
    assert (TOP / "states/controlplane/settings.json").read_text() == names() + "\n", "Run `make docs`."


def test_the_database_with_its_password_may_stand_in_a_file(tmp_path):
    (tmp_path / "database").write_text("postgresql://cellar:hidden@10.0.0.7/cellar\n")
    told = {
        "CELLAR_DATABASE_FILE": str(tmp_path / "database"),
        "CELLAR_FILES": "/nowhere",
        "CELLAR_SECRET_KEY": "s" * 32,
    }
    assert read(told).database == "postgresql://cellar:hidden@10.0.0.7/cellar"


def test_every_setting_has_a_value_and_says_what_it_is():
    assert [setting.name.lower() for setting in SETTINGS] == list(Settings.__dataclass_fields__)
    assert all(setting.help.endswith(".") for setting in SETTINGS)


def test_a_seed_that_no_pub_could_take_is_refused_at_the_start():
    known = {"CELLAR_DATABASE": "sqlite:////nowhere", "CELLAR_FILES": "/nowhere", "CELLAR_SECRET_KEY": "s" * 32}
    good = f"net:pub.example.org:8008~shs:{'A' * 43}="
    assert read(known | {"CELLAR_SEEDS": f"{good} {good}"}).seeds == [good, good]
    with pytest.raises(Invalid, match="CELLAR_SEEDS must be addresses such as net:"):
        read(known | {"CELLAR_SEEDS": f"{good} pub.example.org:8008:@{'A' * 43}=.ed25519"})


def test_who_orders_machines_has_a_key_and_its_secret(tmp_path):
    known = {"CELLAR_DATABASE": "sqlite:////nowhere", "CELLAR_FILES": "/nowhere", "CELLAR_SECRET_KEY": "s" * 32}
    with pytest.raises(Invalid, match="CELLAR_CLOUD_SECRET is not set, and CELLAR_CLOUD is scaleway"):
        read(known | {"CELLAR_CLOUD": "scaleway", "CELLAR_CLOUD_KEY": "k"})
    (tmp_path / "secret").write_text("hidden\n")
    told = {"CELLAR_CLOUD_KEY": "k", "CELLAR_CLOUD_SECRET_FILE": str(tmp_path / "secret"), "CELLAR_CLOUD": "scaleway"}
    assert read(known | told).cloud_secret == "hidden"
    with pytest.raises(Invalid, match="CELLAR_CLOUD_BOOT_S must be seconds from 60 to 86400"):
        read(known | {"CELLAR_CLOUD_BOOT_S": "59"})


def test_a_currency_is_one_that_a_price_can_be_shown_in():
    known = {"CELLAR_DATABASE": "sqlite:////nowhere", "CELLAR_FILES": "/nowhere", "CELLAR_SECRET_KEY": "s" * 32}
    assert read(known | {"CELLAR_CURRENCY": "EUR"}).currency == "eur"
    for wrong in ("€", "euro", "", "e r"):
        with pytest.raises(Invalid, match="CELLAR_CURRENCY must be three letters such as usd"):
            read(known | {"CELLAR_CURRENCY": wrong})


def test_paths_to_back_up_may_have_blanks():
    known = {"CELLAR_DATABASE": "sqlite:////nowhere", "CELLAR_FILES": "/nowhere", "CELLAR_SECRET_KEY": "s" * 32}
    told = {"CELLAR_BACKUP_PATHS": "/etc/salt '/srv/my cellar'/etc \"/home/ann's\""}
    assert read(known | told).backup_paths == ["/etc/salt", "/srv/my cellar/etc", "/home/ann's"]
    for wrong in ("/etc/salt etc", "/home/ann's"):
        with pytest.raises(Invalid, match="CELLAR_BACKUP_PATHS must be absolute paths, separated by spaces"):
            read(known | {"CELLAR_BACKUP_PATHS": wrong})


def test_a_secret_that_is_no_text_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "key").write_bytes(bytes(range(128, 168)))
    known = {"CELLAR_DATABASE": "sqlite:////nowhere", "CELLAR_FILES": "/nowhere"}
    with pytest.raises(Invalid, match="CELLAR_SECRET_KEY_FILE is no text"):
        read(known | {"CELLAR_SECRET_KEY_FILE": str(tmp_path / "key")})


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_version_6_may_be_listened_on(host, monkeypatch):
    known = {"CELLAR_DATABASE": "sqlite:////nowhere", "CELLAR_FILES": "/nowhere", "CELLAR_SECRET_KEY": "s" * 32}
    told = read(known | {"CELLAR_PUBLIC_HOST": host, "CELLAR_PRIVATE_HOST": host})
    assert (told.public_host, told.private_host) == ("[::1]", "[::1]")
    assert told.address == "http://[::1]:8080"
