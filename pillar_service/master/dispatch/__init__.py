"""The dispatcher.

`claims` publishes runs; `events` and `delivery` bring lines and results back; `watch` ends runs that don't end by themselves;
`changes` clears cached pillars; `keys` lets nodes in and cuts them off.
"""
