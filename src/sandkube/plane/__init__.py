"""One control plane on one machine: its folder, certificates, listener, process, events and logs.

Nothing here speaks HTTP, and nothing here knows which distribution is served.
"""
