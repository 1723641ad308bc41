"""Sentences by moment from a file: only for known moments, and only with placeholders that are known at that moment."""

from collections.abc import Mapping

from pillar_service.core import names
from pillar_service.core.chat.personas import WORDS, Moment
from pillar_service.core.meeseeks import templates
from pillar_service.documents.faults import Faults, Path


def messages(given: Mapping[str, list[str]], at: Path, faults: Faults) -> dict[Moment, tuple[str, ...]]:
    """The sentences of each moment; what is wrong is left out and noted."""
    made = {}
    for word, sentences in given.items():
        if word not in list(Moment):
            faults.add((*at, word), f"{names.shown(word)} is not a moment; use one of: {', '.join(Moment)}.")
        elif not sentences:
            faults.add((*at, word), f"{word} needs at least one sentence.")
        else:
            made[Moment(word)] = tuple(sentences)
            _check(Moment(word), sentences, (*at, word), faults)
    return made


def _check(moment: Moment, sentences: list[str], at: Path, faults: Faults) -> None:
    for number, sentence in enumerate(sentences):
        with faults.at((*at, number)):
            for name in templates.unknown([sentence], WORDS[moment]):
                faults.add(
                    (*at, number),
                    f"'{{{name}}}' is not known at that moment; use one of: {', '.join(sorted(WORDS[moment]))}.",
                )
