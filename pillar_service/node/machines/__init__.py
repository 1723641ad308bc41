"""Machines: state machines in YAML that this node runs by itself, with master and service away.

library      the files, and the last good one of each   looks       what a watcher sees
expressions  what `when`, `if` and `set` compute         watching    when to look, and for how long it has held
chart        which transition an event takes             acting      what is done on a transition
engine       runs all of them, a second at a time        commands    a command within its time
instance     one machine for one bot, or for the node    memory      what it remembers, on the disk
asking       list, show, fire, history                   telling     what the service hears
"""
