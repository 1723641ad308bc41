"""A node upgrades itself: it asks the service for a version, installs it beside the present one, and switches over.

`duty.py` asks the service, and reports the outcome in the node's facts. `making.py` makes an environment from the service's
wheels, checked by their SHA-256, while the present one works. `switch.sh` belongs to neither: it puts the new one in place,
and the old one back if the new one does not come to work. All this needs the layout that `enrol.sh` makes.
"""
