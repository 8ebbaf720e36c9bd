"""Reading a manifest along its fields, whatever its author made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a manifest, and its path as the API server writes paths.

    What is not there, and what lies below a value of another type, is a node with the value None: reading
    never raises.
    """

    value: Any
    path: str = ""

    def __getitem__(self, key: str) -> Node:
        """The field of that name."""
        inside = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Node(inside, f"{self.path}.{key}" if self.path else key)

    def at(self, *keys: str) -> Node:
        """The field that is reached by these names, one below the other."""
        node = self
        for key in keys:
            node = node[key]
        return node

    def each(self) -> Iterator[Node]:
        """The elements of a list; nothing where it is none."""
        if isinstance(self.value, list):
            for index, one in enumerate(self.value):
                yield Node(one, f"{self.path}[{index}]")

    @property
    def there(self) -> bool:
        """Whether there is a value: `null` is none."""
        return self.value is not None

    @property
    def text(self) -> str:
        """The value, if it is a string, otherwise an empty one."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def number(self) -> int | None:
        """The value, if it is a whole number."""
        return self.value if isinstance(self.value, int) and not isinstance(self.value, bool) else None

    @property
    def true(self) -> bool:
        """Whether the value is `true`."""
        return self.value is True

    def names(self) -> set[str]:
        """The names of the fields that are there."""
        if not isinstance(self.value, Mapping):
            return set()
        return {key for key in self.value if isinstance(key, str)}

    def strings(self) -> dict[str, str]:
        """The fields that are strings, such as labels."""
        if not isinstance(self.value, Mapping):
            return {}
        return {
            key: value for key, value in self.value.items() if isinstance(key, str) and isinstance(value, str)
        }

    def inside(self) -> Iterator[Any]:
        """All values in it, itself first. An alias that leads back into itself is followed once."""
        waiting = [self.value]
        seen: set[int] = set()
        while waiting:
            value = waiting.pop()
            if isinstance(value, (Mapping, list)):
                if id(value) in seen:
                    continue
                seen.add(id(value))
                waiting.extend(value.values() if isinstance(value, Mapping) else value)
            yield value
