"""``python -m sandkube``: the command line."""

from __future__ import annotations

from sandkube.cli import main

if __name__ == "__main__":
    main()
