"""python -m pillar_service.web COMMAND"""

from pillar_service.web.cli import main

main(prog_name="python -m pillar_service.web")
