"""What validation is measured against: a written corpus, and mutants of sound manifests. Holds no tests."""
