"""Mutants of sound manifests: each is one of `seeds/`, with a fault or two planted in its text, or none."""
