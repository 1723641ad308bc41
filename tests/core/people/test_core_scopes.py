import pytest

from pillar_service.core.errors import Forbidden, Invalid
from pillar_service.core.people import scopes
from pillar_service.core.people.scopes import Scope


def test_scopes_are_written_in_one_order_and_read_again() -> None:
    assert scopes.written({Scope.EXPORT, Scope.READ}) == "read export"
    assert scopes.read("read export") == {Scope.READ, Scope.EXPORT}
    assert scopes.read("read what-was-once") == {Scope.READ}


@pytest.mark.parametrize("wrong", [None, [], "read", ["king"], [1], {}, [["read"]]])
def test_what_is_no_list_of_scopes_is_refused(wrong: object) -> None:
    with pytest.raises(Invalid):
        scopes.checked(wrong)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_is_good_for_itself_alone(scope: Scope) -> None:
    scopes.require(scope, frozenset({scope}))
    with pytest.raises(Forbidden, match=str(scope)):
        scopes.require(scope, frozenset(Scope) - {scope})
