"""The status tab of a bot: how it is now, and how it was."""

import time
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeVar

from flask import Blueprint, Response, current_app, render_template, request
from markupsafe import Markup

from pillar_service.core import names
from pillar_service.core.bots.series import Span, first
from pillar_service.usecases.bots import series
from pillar_service.web import charts, drawing
from pillar_service.web.pages.bots import visible
from pillar_service.web.pages.live import live
from pillar_service.web.signing import login_required

blueprint = Blueprint("status", __name__)

CACHED_S = 60
"""How long a browser keeps a small chart, in seconds."""

PARTS = 256
"""For how many pages a process remembers the part with the charts: building its URLs is a fifth of a page's time."""

Figure = StrEnum("Figure", {name.upper(): name for name in charts.CHARTS})
Choice = TypeVar("Choice", bound=StrEnum)


class Restarts(NamedTuple):
    """How often a bot was restarted, whether that count is exact, and when last, if that was seen."""

    count: int
    is_exact: bool
    last: int | None


def _asked(name: str, known: type[Choice], default: str) -> Choice:
    return names.one_of(known, request.args.get(name, default), name)


@blueprint.get("/bots/<name>/status")
@login_required
def show(name: str) -> str:
    """Show how the bot is now, and its charts over ``?span=``."""
    bot, now = visible(name), time.time()
    span = _asked("span", Span, first(now - bot["created_at"]))
    told = series.figures(bot["id"], span, now)
    restarts = Restarts(told["restarted"], told["restarted_exactly"], max(told["restarts"], default=None))
    before = _before(request.root_path, bot["name"], span, tuple(charts.summary(told)), restarts)
    return render_template("status.html", bot=bot, before=before)


@lru_cache(PARTS)
def _before(_: str, name: str, span: Span, rows: tuple[charts.Summary, ...], restarts: Restarts) -> Markup:
    shape = current_app.jinja_env.get_template("status_before.html").module
    drawn = shape.before(name, span, charts.SPANS, charts.CHARTS, rows, restarts)  # type: ignore[attr-defined]
    return Markup(drawn)  # noqa: S704


@blueprint.get("/bots/<name>/status/figures")
@live
def figures(name: str) -> str:
    """The current figures, and the head above the tabs, which the page fetches again and again."""
    return render_template("status_live.html", bot=visible(name))


@blueprint.get("/bots/<name>/series.json")
@live
def points(name: str) -> dict[str, object]:
    """The figures over ``?span=``, as static/charts.js draws them."""
    return series.of(visible(name)["id"], _asked("span", Span, Span.DAY), time.time())


@blueprint.get("/bots/<name>/chart.svg")
@login_required
def chart(name: str) -> Response:
    """A chart of ``?figure=`` over ``?span=``, for browsers without script."""
    bot, span = visible(name), _asked("span", Span, Span.DAY)
    figure = _asked("figure", Figure, "memory")
    return _drawn(charts.svg(figure, span, series.of(bot["id"], span, time.time())))


@blueprint.get("/bots/<name>/spark.svg")
@login_required
def spark(name: str) -> Response:
    """A small chart of ``?figure=`` over the last day, for the dashboard."""
    bot, figure = visible(name), _asked("figure", Figure, "memory")
    answer = _drawn(charts.spark(figure, series.figures(bot["id"], Span.DAY, time.time())))
    answer.cache_control.private, answer.cache_control.max_age = True, CACHED_S
    answer.add_etag()
    return answer.make_conditional(request)


def _drawn(svg: str) -> Response:
    return Response(svg, mimetype="image/svg+xml", headers={"Content-Security-Policy": drawing.POLICY})
