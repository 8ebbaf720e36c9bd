"""Looking for what keeps sandkube from working well on this machine: a module a check."""
