"""Putting sandkube into the hosts that start it: hooks of coding sandboxes, dev containers, CI."""
