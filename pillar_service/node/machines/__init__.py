"""Machines: state machines in YAML, which this node runs by itself even while master and service are away.

library      the machines, and the last good file of each   looks       what a watcher sees
expressions  computes `when`, `if` and `set`                watching    when a watcher looks and when it fires
chart        which transition an event takes                acting      does what a transition says
engine       runs all machines, once a second               commands    a command with a time limit
instance     one machine for one bot, or for the node       memory      what an instance remembers, on disk
asking       list, show, fire, history                      telling     what the service is told
"""
