"""Bundles on this node: fetched, verified before anything of them is used, and verified again each time.

keeping   takes a bundle, or refuses it; makes the folder be what was signed
fetching  what the service has for this node
duty      both, every minute
beacons   runs those in it, from their verified content
"""
