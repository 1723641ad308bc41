"""Parts of pages that renew themselves."""

import functools
from collections.abc import Callable
from typing import Any

from flask import Response
from flask_login import current_user


def live(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a view of such a part. Once the person is signed out, the page is told to reload, which asks to sign in."""

    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            return Response(status=401, headers={"HX-Refresh": "true"})
        return view(*args, **kwargs)

    return wrapped
