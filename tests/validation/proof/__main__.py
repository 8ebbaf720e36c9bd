"""Measure how right validation is: `python tests/validation/proof --seed 1 --count 500`.

Prints what was missed, false alarms, lines and faults, and how other tools do on the same texts.
`--json FILE` keeps it; `--publish` writes it into docs/reference/validation-proof.md. The exit status is 1 if
it is not as good as it is meant to be. Takes about a minute for each hundred mutants, and needs Go for
kubeconform, which `--without-kubeconform` leaves out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sandkube.manifests.reading import read
from sandkube.validation.rules import RULES
from validation import corpus
from validation.mutants import making
from validation.planes import Planes
from validation.proof import oracle, page, schemas, scoring
from validation.proof.scoring import Fault, Judged


def main() -> int:
    """Measure; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="tests/validation/proof", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--without-kubeconform", action="store_true")
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sandkube-") as folder, Planes() as planes:
        kubeconform = None if chosen.without_kubeconform else schemas.build(Path(folder))
        texts = list(_texts(chosen.seed, chosen.count, Path(folder)))
        judged = [_judged(one, planes) for one in _counted(texts)]
        if kubeconform is not None:
            judged = list(_by_kubeconform(judged, texts, kubeconform, planes, Path(folder)))
    scores = {kind: scoring.score(one for one in judged if one.kind == kind) for kind in ("mutant", "corpus")}
    found = page.document(scores, scoring.tools(judged), vars(chosen), time.monotonic() - began)
    print(page.table(found))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")
    if chosen.publish:
        page.publish(found)
    return 0 if scores["mutant"].met else 1


def _texts(seed: int, count: int, folder: Path) -> Iterator[scoring.Text]:
    for mutant in making.mutants(seed, count):
        faults = tuple(Fault(fault.kind, fault.line) for fault in mutant.faults)
        needs = tuple(text.encode() for text in mutant.needs)
        older = mutant.old.encode() if mutant.old is not None else None
        yield scoring.Text("mutant", mutant.name, mutant.text.encode(), faults, older, needs)
    for case in corpus.broken():
        faults = tuple(Fault(one.code, one.line) for one in case.expected if _is_error(one.code))
        yield scoring.Text("corpus", case.name, case.path.read_bytes(), faults, sound=not faults)
    for case in corpus.sound(folder):
        yield scoring.Text("corpus", case.name, case.path.read_bytes(), (), sound=True)


def _is_error(code: str) -> bool:
    return RULES[code].severity == "error"


def _counted(texts: Sequence[scoring.Text]) -> Iterator[scoring.Text]:
    for number, one in enumerate(texts, 1):
        if number % 50 == 0:
            print(f"{number} of {len(texts)}", file=sys.stderr, flush=True)
        yield one


def _judged(text: scoring.Text, planes: Planes) -> Judged:
    """Ours first, on a control plane that knows nothing of it; then what others say, with another.

    Of a mutant the server itself says whether it is sound. In the corpus there are sets, in any order, and
    files that hold nothing, of which one `kubectl create` says little: it is written down there.
    """
    findings = planes.judged(text.data, f"{text.name}.yaml", older=text.older, needs=text.needs)
    documents = [*read(text.data, text.name).documents, *read(text.older or b"", text.name).documents]
    definitions = [document for need in text.needs for document in read(need, text.name).documents]
    plane, namespace = planes.others.fresh(documents, definitions)
    oracle.prepared(plane, namespace, text.needs)
    client = oracle.dry_run_by_client(plane, namespace, text.data)
    sound = text.sound
    if sound is None:
        sound = oracle.created(plane, namespace, text.data, text.older).sound
    others = {"kubectl apply --dry-run=client": client.sound}
    return Judged(text.kind, text.name, sound, text.faults, tuple(findings), others)


def _by_kubeconform(
    judged: Sequence[Judged], texts: Sequence[scoring.Text], binary: Path, planes: Planes, folder: Path
) -> Iterator[Judged]:
    from dataclasses import replace

    known = folder / "schemas"
    known.mkdir()
    plane, _ = planes.fresh([])
    schemas.write(plane.client, known)
    files = {}
    for one in texts:
        files[one.name] = folder / f"{one.name}.yaml"
        files[one.name].write_bytes(one.data)
    verdicts = dict(schemas.judged(binary, known, files))
    for verdict in judged:
        others = {**verdict.others, "kubeconform": verdicts[verdict.name].sound}
        yield replace(verdict, others=others)


if __name__ == "__main__":
    sys.exit(main())
