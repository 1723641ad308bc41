"""The rules of bearer tokens."""

from pillar_service.core.people import tokens


def test_no_token_looks_like_an_option_of_a_command() -> None:
    made = [tokens.new_token() for _ in range(500)]
    assert all(token[0].isalpha() for token in made)
    assert len(set(made)) == 500
