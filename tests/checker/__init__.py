"""Watches over a control plane under load: recorder (clients and watchers), history (data), rules (verdict).

Used by the tests of faults and by whatever puts a load on a server for hours. Needs nothing but Python.
"""
