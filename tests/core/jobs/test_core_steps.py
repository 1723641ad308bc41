"""What people read about a job's steps."""

import pytest

from pillar_service.core.jobs import faults, steps


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("dir: ok, changed. The data directory was put right.", "The place for its data is ready."),
        ("config: ok. The configuration is as told.", "Its settings are written."),
        ("container: ok, changed. Created container 'my-1f3a9c2e5b7d9e0f'", "Its container is made and running."),
        ("alive: ok. The pub @x=.ed25519 answers.", "It answers."),
        ("dir: ok, changed.", "The place for its data is ready."),
        (
            "gone: ok, changed. The bot has no container on this node. Its data is kept in /srv/bots/1f3a9c2e5b7d9e0f.",
            "It no longer runs. Its data is kept.",
        ),
        ("gone: ok, changed. The bot has no container on this node.", "It no longer runs."),
        ("alive: failed. The pub does not answer.", "The pub does not answer."),
        ("alive: failed.", "This step failed."),
    ],
)
def test_a_step_is_told_in_plain_words(said: str, read: str) -> None:
    assert steps.for_people(said) == read
    assert faults.answer_for_people({"text": said}) == {"text": read}


@pytest.mark.parametrize(
    "said", ["Step 3/9 : RUN npm ci", "image build: failed. No.", "alive: waiting", "", "dir: okay."]
)
def test_what_is_no_step_of_a_bot_stays_as_it_is(said: str) -> None:
    assert steps.for_people(said) == said
