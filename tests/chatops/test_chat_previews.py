"""Previews in Slack: what a command would do is shown before the yes."""

import stage
from fakes.slack import Slack
from fakes.slack.people import User
from talking import BEN, until_all_claimed, until_direct, until_run


def test_the_preview_is_seen_before_the_yes_and_the_secret_never(talk: Slack, ann: User) -> None:
    ann.slash("rotate")
    ann.submits("rotate", service="nginx", password="hunter2hunter2", selector="environment=prd")
    ann.sees("the preview is being made")
    until_run(lambda node, command: ["12345 bytes"])
    question = ann.sees("12345 bytes")
    assert "rotate" in str(question["blocks"])
    ann.presses("Yes")
    assert [run["arguments"][2] for run in until_run(lambda node, command: ["fine"])] == ["rotate"]
    ann.sees("All done!")
    everything = str(talk.server.calls)
    assert "hunter2hunter2" not in everything


def test_the_preview_of_several_nodes_says_which_said_what_and_where_it_failed(talk: Slack, ann: User) -> None:
    ann.mentions("rotate nginx -l environment=stg")
    first, second = until_all_claimed()
    well, ill = stage.begun(first), stage.begun(second)
    well.says("12345 bytes")
    well.ends()
    ill.ends(1)
    shown = str(ann.sees(f"{first['node']}: 12345 bytes")["blocks"])
    assert f"It failed on `{second['node']}`" in shown
    assert "expected" not in shown
    assert talk.refused == []


def test_a_long_preview_is_a_file_for_who_asks_and_for_who_approves(talk: Slack, ann: User) -> None:
    ann.mentions("retire -l environment=stg")
    until_run(lambda node, command: [f"{n} bytes of {command}" for n in range(300)])
    question = ann.sees("all 600 lines are in the file")
    assert "cellar-1: 0 bytes of weigh" in str(question["blocks"])
    ann.presses("Yes")
    ben, told = talk.user(BEN), "The full output of the preview of retire, 600 lines."
    asked, file = until_direct(ben, "must say yes"), until_direct(ben, told)
    assert file["thread_ts"] == asked["ts"]
    said = [one for one in talk.messages("C1") if told in one["text"]]
    assert [one["thread_ts"] for one in said] == [question["thread_ts"]]
    for file in talk.workspace.files.values():
        assert file["content"].decode().splitlines()[599] == "cellar-2: 299 bytes of weigh"
    assert len(talk.workspace.files) == 2
    assert talk.refused == []


def test_a_private_preview_is_written_to_who_asks(talk: Slack, ann: User) -> None:
    ann.mentions("leave -l environment=prd")
    until_run(lambda node, command: ["the code is 1234"])
    assert ann.sees("The preview is private: only the person who asked")["channel"] == "C1"
    assert ann.sees("the code is 1234")["channel"] == ann.direct
    ann.writes("leave -l environment=prd")
    until_run(lambda node, command: ["the code is 5678"])
    assert "Yes" in str(ann.sees("the code is 5678")["blocks"])
    assert not [one for one in talk.messages("C1") if "1234" in str(one)]


def test_what_has_a_preview_is_looked_at_and_repeated_itself(talk: Slack, ann: User) -> None:
    ann.mentions("rotate nginx -l environment=prd")
    until_run(lambda node, command: ["12345 bytes"])
    ann.sees("12345 bytes")
    ann.mentions("last")
    ann.sees("rotate: asked")
    ann.mentions("jobs")
    assert "log-size" not in str(ann.sees("The newest jobs")["blocks"])
    ann.mentions("repeat")
    until_run(lambda node, command: ["54321 bytes"])
    ann.sees("54321 bytes")
    ann.presses("Yes")
    assert [run["arguments"][2] for run in until_run()] == ["rotate"]
