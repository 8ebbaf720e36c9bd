"""The process node: a kubelet and a container runtime beside a cluster's server, as this user.

`configuration` decides what both are told, `keeper` is the process that keeps them running, `control` starts
and ends it.
"""
