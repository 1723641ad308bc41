import inspect

from pillar_service.core import errors


def test_every_error_says_its_status_and_stands_in_the_drawing() -> None:
    kinds = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.SaltcellarError)
    ]
    assert len(kinds) == 13
    for kind in kinds:
        assert kind.__name__ in (errors.__doc__ or "")
        assert 400 <= kind.status < 600
        assert 1 <= kind.exit_code < 10
        assert kind("A sentence.").sentence == "A sentence."
