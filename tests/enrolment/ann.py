"""Ann, who has an account in a place where a master has told where it is."""

from daemons import MASTER_NAME, Service
from enrolling import key


def with_ann(service: Service) -> None:
    """Set that up in the service."""
    service.python(
        "import sys\nfrom pillar_service.usecases.people import accounts\n"
        "from pillar_service.usecases.service import masters, storage\nstorage.prepare()\n"
        "accounts.create('test', 'ann@example.org', password='long enough 1')\n"
        f"masters.tell('{MASTER_NAME}', '127.0.0.1', 1, 2, sys.argv[1])\n",
        key(0).public,
    )
