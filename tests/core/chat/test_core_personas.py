from pillar_service.core.chat.personas import BORING, PLAIN, WORDS, Moment, Persona, Personas
from pillar_service.core.meeseeks import templates

HAPPY = Persona("happy", "Happy", messages={Moment.DONE: ("{user} All done!", "{user} Yes!")})


def test_one_of_several_sentences_is_taken() -> None:
    assert HAPPY.says(Moment.DONE, {"user": "@ann"}) == "@ann All done!"
    assert HAPPY.says(Moment.DONE, {"user": "@ann"}, 3) == "@ann Yes!"


def test_a_commands_own_sentence_goes_first_and_a_plain_one_last() -> None:
    words = {"user": "@ann", "command": "disk"}
    assert HAPPY.says(Moment.DONE, words, 7, {Moment.DONE: ("Disk, {user}!",)}) == "Disk, @ann!"
    assert HAPPY.says(Moment.EXPIRED, words) == "@ann disk was not confirmed in time. Ask for it again."


def test_what_fills_a_sentence_is_not_filled_again() -> None:
    assert HAPPY.says(Moment.DONE, {"user": "{why}", "why": "secret"}) == "{why} All done!"


def test_each_moment_has_a_plain_sentence_of_words_known_then() -> None:
    assert set(PLAIN) == set(WORDS) == set(Moment)
    assert all(templates.unknown([sentence], WORDS[moment]) == [] for moment, sentence in PLAIN.items())


def test_channels_have_their_own() -> None:
    known = Personas({"happy": HAPPY, "boring": BORING}, "happy", {"C01": "boring"})
    assert [known.of(channel).name for channel in ("", "C01", "C02")] == ["happy", "boring", "happy"]
    assert Personas().of("C01") is BORING


def test_direct_messages_have_their_own() -> None:
    known = Personas({"happy": HAPPY, "boring": BORING}, "happy", {"direct": "boring"})
    assert [known.of(channel).name for channel in ("D01", "U01", "W01", "C01", "")] == ["boring"] * 3 + ["happy"] * 2
