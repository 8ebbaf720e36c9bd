"""Images that containers are made of: what they are called, how they are unpacked, where they are kept.

Modules, lower ones first: ``names``, ``layers`` (unpacking), ``layouts`` (what `docker save` and the OCI's
tools write), ``store`` (what is kept of them in a node's folder), ``catalogue`` (what the runtime asks).
"""
