"""The finding that most checks come to: a name that nothing bears."""

from __future__ import annotations

from collections.abc import Iterator

from sandkube.validation.references.items import Dangling, Item
from sandkube.validation.references.kinds import CLUSTER_SCOPED, Kind
from sandkube.validation.references.tree import Node
from sandkube.validation.references.world import World


def absent(
    item: Item,
    world: World,
    kind: Kind,
    name: Node,
    *,
    namespace: str | None = None,
    code: str | None = None,
    more: str = "",
) -> Iterator[Dangling]:
    """One finding where no object of ``kind`` bears the name that stands in ``name``, otherwise none.

    It is looked for in ``namespace``, or else in that of ``item``. ``code`` replaces the kind's own, ``more``
    is said at the end.
    """
    place = item.home if namespace is None else namespace
    if not name.text or world.has(kind, place, name.text):
        return
    where = "" if kind in CLUSTER_SCOPED else f" (namespace `{place}`)"
    message = f"{kind.name} `{name.text}` is neither in the set nor in the cluster{where}.{more}"
    code = code or kind.missing
    yield item.dangling(code, name, message, _hint(world, kind, place, name.text, code))


def _hint(world: World, kind: Kind, namespace: str, name: str, code: str) -> str:
    near = world.near(kind, namespace, name)
    if near is not None:
        return f"Did you mean `{near}`?"
    other = world.elsewhere(kind, name)
    if other is not None:
        return f"The set has it in namespace `{other}`."
    return f"Add the {kind.name} to the set; where something else makes it, switch `{code}` off."
