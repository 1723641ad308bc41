"""A node becomes another version by itself: it asks, makes the new one ready beside the old, and changes over.

`duty.py` asks the service and says in the facts what came of it; `making.py` makes an environment of the service's wheels,
checked by its SHA-256, while the old one works; `switch.sh` stands outside of both, puts the new one in its place, and back
where that does not come to work. It needs the layout that `enrol.sh` makes.
"""
