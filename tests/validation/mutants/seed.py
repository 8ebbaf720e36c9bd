"""The sound manifests that mutants are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from validation.mutants.document import Document

FOLDER = Path(__file__).with_name("seeds")

# Definitions that have to be there, established, before a resource of theirs.
_NEEDS = {"Orchard": ("crd-orchards",), "Beehive": ("crd-beehives",)}


@dataclass(frozen=True, slots=True)
class Seed:
    """One sound object: its file's name without suffix, its text, and the texts of what it needs first."""

    name: str
    document: Document
    needs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The file as it is."""
        return self.document.text


@cache
def seeds() -> tuple[Seed, ...]:
    """All seeds, by name."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.yaml")))


def _read(path: Path) -> Seed:
    document = Document(path.read_text(encoding="utf-8"))
    needs = _NEEDS.get(document.kind, ())
    return Seed(path.stem, document, tuple((FOLDER / f"{name}.yaml").read_text("utf-8") for name in needs))
