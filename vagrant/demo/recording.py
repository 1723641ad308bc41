"""Draw a terminal session that `script` recorded as a picture.   recording.py SESSION PICTURE"""

import io
import re
import sys
from pathlib import Path

from rich.console import CONSOLE_SVG_FORMAT, Console
from rich.text import Text

TOP = str(Path(__file__).parents[2])
SHOWN_AS = "/srv/saltcellar"
"""The path that is shown in place of this tree's."""

FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""rich's own format, without the fonts that it would load from another site."""

WIDTH = 110


def session(written: str) -> str:
    """The session's text, without the lines of `script` and the paths of this machine."""
    lines = [line for line in written.replace("\r", "").splitlines() if not line.startswith("Script ")]
    return "\n".join(["# make demo", *lines]).replace(TOP, SHOWN_AS).strip()


def main() -> None:
    """Draw the picture."""
    source, picture = map(Path, sys.argv[1:])
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(session(source.read_text())))
    console.save_svg(str(picture), title="make demo", code_format=FORMAT, unique_id="demo")


if __name__ == "__main__":
    main()
