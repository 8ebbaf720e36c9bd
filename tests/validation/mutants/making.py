"""Mutants: sound manifests with a fault or two planted in their text, or with a harmless change.

``mutants(seed, count)`` gives the same mutants for the same numbers. About one in six is harmless, one in
three has two faults, at fields that have nothing to do with each other. Only text is edited, at the places
that PyYAML gives for a field, so that everything else stays as it was and the line of a fault is exact. But
for the kind ``syntax`` every mutant is YAML.

What each kind plants, and why the server minds (shapes and values are in `places`, the planting in
`planting`):

typo
    A field's name with letters swapped, doubled or left out, or a capital. Strict decoding knows every name,
    and capitals count. Not below ``items`` and ``additionalProperties`` of a definition's schema, whose Go
    types have decoders of their own that pass over unknown names, and not in maps whose keys are free.
wrong-type
    A word, a quoted number or a list where a number, a truth value or a string belongs, a word for a whole
    list or mapping. Decoding fails; ``yes`` and ``7`` are no strings either, not even in a label. Decoding
    stops at the first, and nothing behind it is looked at: see `MASKING`.
wrong-indentation
    The last key of a mapping moves one level out, with all below it. No seed has a mapping where the outer
    level knows the name, so it is an unknown field there, and often missing where it was.
syntax
    A tab as indentation, or a key one space deeper than the one before it. No YAML at all.
duplicate-key
    A key once more, with the same value. The server's strict decoder refuses it if it is sent as YAML.
    kubectl makes JSON of a file first and keeps the last one without a word: as an oracle, ``kubectl create``
    lets these pass, and only a POST of the text itself with ``fieldValidation=Strict`` shows the fault.
out-of-range
    Numbers, percentages and addresses beyond what validation allows, each known for its field.
missing-required
    A field that is required, or whose zero value is not valid, taken out; never the only one of its mapping.
    Without ``metadata.name`` it is kubectl that refuses.
bad-quantity
    Text that does not parse as a quantity, so decoding fails; or a negative one where none may be.
bad-label
    A label's value, the same in selectors, or a label's key with signs it may not have, or too long.
bad-cron
    A schedule with numbers out of range, too few or too many fields, an unknown word, or a time zone in it;
    a time zone that does not exist. This needs the time zones on the server's side.
bad-port
    Ports beyond 1 to 65535, names that are no port's names, unknown protocols, a node port out of range.
bad-selector
    A workload's selector that does not match its own template; an operator that does not exist, or one that
    allows no values where there are some.
removed-api-version
    A version that the kind was once served in. Nothing serves it, so there is no path to send it to. Never
    one of two: what else would be a fault in a version that is gone?
cel-rule
    A resource that breaks a rule of its definition; a rule, a policy's or a webhook's expression, or a
    device's selector that does not compile or has a wrong type.
against-crd
    A custom resource with a value of a wrong type, beyond minimum, maximum, length, pattern, enumeration or
    format, without what is required, or with a field that its structural schema lacks.
immutable
    A field that may not change, changed: ``old`` is the object as it is there, ``text`` what is to replace
    it, with ``kubectl apply``. Created anew, ``text`` is sound. The server often names the field above
    (``roleRef``, ``spec.selector``, ``spec``), while ``line`` and ``path`` are the changed field's own.
harmless
    Comments, the order of fields, quotes, empty lines, document marks, ``yes`` for true, modes in octal
    digits, brackets, an annotation more, another value that is as good. About a third of them has ``old``
    as well: none of this is refused in an update.

Seeds refer to things that are not there (a StorageClass, a Service that an Ingress leads to): the server
takes them, so what a validator says of that, as a warning, is no false alarm.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from functools import cache

from validation.mutants.change import Change, applied
from validation.mutants.document import written
from validation.mutants.harmless import CHANGES, HARMLESS
from validation.mutants.planting import FAULTS
from validation.mutants.seed import Seed, seeds

# After one of these the server, asked once, says nothing of another fault in the same object: it is not
# decoded. To name both, a validator has to ask again without the field.
MASKING = frozenset({"bad-quantity", "wrong-type", "syntax", "removed-api-version"})

_ALONE = frozenset({"syntax", "removed-api-version"})

# What may stand beside a change of what cannot change: an update is not judged for everything that a new
# object is, but its fields have to be known all the same.
_IN_UPDATES = frozenset({"typo", "wrong-indentation", "duplicate-key"})

# Drawn more often, since they are what people do.
_TWICE = ("typo", "wrong-type", "wrong-indentation")

_HARMLESS_SHARE = 1 / 6
_TWO_SHARE = 0.45
_UPDATE_SHARE = 1 / 3
_TRIES = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """What was planted: its kind, its line (from 1; of what is missing, its parent's), and the field's path.

    The path is written as the server writes it, ``spec.containers[0].image``; keys with dots or slashes are
    in brackets. Of a typo it is the name as misspelled, of a wrong indentation the place it landed at.
    """

    kind: str
    line: int
    path: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A manifest to judge.

    ``kinds`` are the kinds of its faults, or ``("harmless",)``. ``old`` is the text of the object that is
    there already, if it is an update. ``seed`` is the file it was made of, without suffix. ``needs`` are
    texts to be applied first: the definition of a custom resource.
    """

    name: str
    kinds: tuple[str, ...]
    text: str
    old: str | None
    faults: tuple[Fault, ...]
    seed: str
    needs: tuple[str, ...]


def mutants(seed: int, count: int) -> list[Mutant]:
    """So many mutants, all different, drawn by this seed.

    Every kind of fault comes in turn, and among the seeds that can have it one of those used least.

    Raises:
        ValueError: there are not so many different ones.
    """
    drawing = _Drawing(random.Random(seed))
    return [drawing.draw(number) for number in range(count)]


class _Drawing:
    """What was drawn so far: the kinds left in the bag, how often each seed was used, the texts there are."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.bag: list[str] = []
        self.used: Counter[str] = Counter()
        self.texts = {seed.text for seed in seeds()}

    def draw(self, number: int) -> Mutant:
        for _ in range(_TRIES):
            made = self._harmless() if self.chance.random() < _HARMLESS_SHARE else self._faulty()
            if made is None:
                continue
            seed, changes, update = made
            text, lines = applied(seed.text, changes)
            if text in self.texts:
                continue
            self.texts.add(text)
            self.used[seed.name] += 1
            kinds = tuple(dict.fromkeys(change.kind for change in changes))
            faults = tuple(
                Fault(change.kind, line, written(change.path))
                for change, line in zip(changes, lines, strict=True)
                if change.kind != HARMLESS
            )
            name = f"{number:04d}-{seed.name}-{'+'.join(kinds)}"
            old = seed.text if update else None
            return Mutant(name, kinds, text, old, faults, seed.name, seed.needs)
        raise ValueError(f"no mutant found that is not there yet, after {number}")

    def _faulty(self) -> tuple[Seed, list[Change], bool] | None:
        kind = self._kind()
        able = [seed for seed in seeds() if _planted(seed, kind)]
        seed = self._least_used(able)
        first = self.chance.choice(_planted(seed, kind))
        changes = [first]
        if kind not in _ALONE and self.chance.random() < _TWO_SHARE:
            second = self._beside(seed, first)
            if second is None:
                return None
            changes.append(second)
        return seed, changes, any(change.kind == "immutable" for change in changes)

    def _beside(self, seed: Seed, first: Change) -> Change | None:
        """A second fault in the same text that has nothing to do with the first."""
        for _ in range(_TRIES):
            kind = self.chance.choice([kind for kind in FAULTS if _may_meet(kind, first.kind)])
            if there := _planted(seed, kind):
                second = self.chance.choice(there)
                if second.apart(first):
                    return second
        return None

    def _harmless(self) -> tuple[Seed, list[Change], bool]:
        seed = self._least_used(list(seeds()))
        changes: list[Change] = []
        for _ in range(self.chance.randint(1, 3)):
            there = _harmless(seed, self.chance.choice(list(CHANGES)))
            if there:
                change = self.chance.choice(there)
                if all(change.apart(other) for other in changes):
                    changes.append(change)
        return seed, changes, self.chance.random() < _UPDATE_SHARE

    def _kind(self) -> str:
        if not self.bag:
            self.bag = [*FAULTS, *_TWICE]
            self.chance.shuffle(self.bag)
        return self.bag.pop()

    def _least_used(self, able: list[Seed]) -> Seed:
        least = min(self.used[seed.name] for seed in able)
        return self.chance.choice([seed for seed in able if self.used[seed.name] <= least + 1])


def _may_meet(kind: str, other: str) -> bool:
    """Whether one object may have faults of both kinds."""
    if "immutable" in {kind, other}:
        return kind in _IN_UPDATES or other in _IN_UPDATES
    return kind not in _ALONE


@cache
def _planted(seed: Seed, kind: str) -> tuple[Change, ...]:
    return tuple(FAULTS[kind](seed.document))


@cache
def _harmless(seed: Seed, kind: str) -> tuple[Change, ...]:
    return tuple(CHANGES[kind](seed.document))
