"""The image itself, and the scripts that build it."""

import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTEXT = ROOT / "states/pubs/image"


def run_script(name, *arguments, **env):
    return subprocess.run(
        [ROOT / "vagrant" / name, *arguments], env={**os.environ, **env}, capture_output=True, text=True
    )


def test_image_says_what_it_is(engine, image):
    config = engine.images.get(image).attrs["Config"]
    assert config["Labels"]["org.opencontainers.image.version"] == image.split(":")[1]
    assert len(config["Labels"]["saltcellar.source"]) == 64
    assert config["User"] == "node"
    assert not config["Volumes"]


def test_second_build_does_nothing(image):
    start = time.monotonic()
    done = run_script("pub-image.sh")
    assert done.returncode == 0
    assert done.stdout == f"pub-image: {image} is there already\n"
    assert time.monotonic() - start < 5


def test_base_image_is_made_once(image):
    done = run_script("base-image.sh")
    assert done.returncode == 0
    assert done.stdout == "base-image: saltcellar/base:bookworm is there already\n"


def test_build_that_fails_says_where_to_look(tmp_path):
    done = run_script(
        "pub-image.sh",
        "image-test/none:1",
        BASE="image-test/no-such-base:1",
        SALTCELLAR_LOG_DIR=str(tmp_path),
    )
    assert done.returncode == 1
    assert str(tmp_path / "pub-image.log") in done.stderr
    assert (tmp_path / "pub-image.log").read_text()


def test_engine_that_is_away_is_named():
    done = run_script("pub-image.sh", DOCKER_HOST="unix:///nowhere.sock")
    assert done.returncode == 1
    assert "engine does not answer" in done.stderr


def test_site_certificates_stay_out(engine, image):
    assert not (CONTEXT / "build-ca.pem").exists()
    command = ["sh", "-c", "ls / /etc/ssl/certs /usr/local/share/ca-certificates 2>/dev/null; id -u"]
    seen = engine.containers.run(image, command, remove=True, name="image-test-look").decode().split()
    assert not [name for name in seen if name.endswith((".pem", ".crt"))]
    assert seen[-1] == "1000"


def test_lock_names_no_registry():
    assert '"resolved"' not in (CONTEXT / "package-lock.json").read_text()
