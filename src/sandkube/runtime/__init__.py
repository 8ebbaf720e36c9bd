"""The container runtime of the process node: containers are processes, held by small processes of their own.

It is no isolation boundary: a container is kept apart from others so that they do not get in each other's
way, not so that one could be trusted less than the user who runs it.

`holder` runs one container, forked from the `zygote`; `files` makes what it sees.
"""
