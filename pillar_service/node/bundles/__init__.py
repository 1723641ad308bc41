"""Bundles on this node: fetched, verified before anything in them is used, and verified again every minute.

keeping   takes or refuses a bundle; makes the folder match what was signed
fetching  fetches what the service has for this node
duty      both, every minute
beacons   runs a bundle's beacons from their verified content
"""
