"""GitHub Actions: a step that uses this repository's `action.yml`, behind the checkout of a workflow's job.

The action is documented in docs/how-to/ci.md, the syntax at
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sandkube import __version__
from sandkube.config import DEFAULT_NAME
from sandkube.errors import EditFailed
from sandkube.setup import yamltext
from sandkube.setup.host import Content
from sandkube.setup.mark import MARK
from sandkube.setup.yamltext import Job, Step

__all__ = ["ACTION", "VERSION", "GitHub"]

ACTION: Final = "sandkube/sandkube"
VERSION: Final = f"v{__version__}"
_CHECKOUT: Final = "actions/checkout@"


@dataclass(frozen=True, slots=True)
class GitHub:
    """The step for the workflow's job ``job``, which need not be said where only one checks out.

    ``version`` is the tag, branch or commit of the action; ``cluster`` the cluster's name, None by default.
    """

    job: str | None = None
    version: str = VERSION
    cluster: str | None = None

    @property
    def file(self) -> None:
        """None: which of a project's workflows it is, nobody knows but the person."""
        return

    def piece(self) -> str:
        """The step."""
        return "".join(f"{line}\n" for line in self._lines())

    def added(self, content: Content) -> Content:
        """The workflow with the step; an older one of ours uses this version then."""
        text = _text(content)
        found = self._jobs(text)
        present = [step for job in found for step in job.steps if _is_ours(text, step)]
        if present:
            for step in reversed(present):  # from the end, so that the positions of the others stay
                self._check_cluster(text, step)
                text = self._renewed(text, step)
            return Content(text)
        job, checkout = self._checkout(found)
        if any((step.uses or "").startswith(f"{ACTION}@") for step in job.steps):
            raise EditFailed(
                f"{{file}}: the job `{job.name}` has a step that uses {ACTION} already, written by somebody.",
                hint="leave it as it is; nothing in the file was changed",
            )
        after = yamltext.with_lines_behind(text, checkout, self._lines())
        self._prove(text, after, job, checkout)
        return Content(after)

    def removed(self, content: Content) -> Content:
        """The workflow without the steps that :meth:`added` put there."""
        if content.text is None or MARK not in content.text:
            return content
        text = content.text
        while True:
            ours = [step for job in self._jobs(text) for step in job.steps if _is_ours(text, step)]
            if not ours:
                return Content(text)
            text = yamltext.without_lines(text, ours[0])

    def _lines(self) -> list[str]:
        given = ["  with:", f"    cluster: {yamltext.scalar(self.cluster)}"] if self.cluster else []
        return [f"- uses: {ACTION}@{self.version} {MARK}", *given]

    def _check_cluster(self, text: str, step: Step) -> None:
        """Refuse to take a step of ours for another cluster for this one."""
        said: Any = yamltext.plain(text[step.start : step.end])
        has = (said[0].get("with") or {}).get("cluster") if said else None
        if self.cluster is not None and has != self.cluster:
            raise EditFailed(
                f"{{file}} has a step of `sandkube setup` for the cluster `{has or DEFAULT_NAME}`.",
                hint="take it out first, with --remove, or change it by hand",
            )

    def _renewed(self, text: str, step: Step) -> str:
        """``text`` with this version in a step of ours; what somebody gave it stays."""
        lines = text[step.start : step.end].replace(step.uses or "", f"{ACTION}@{self.version}", 1)
        return text[: step.start] + lines + text[step.end :]

    def _jobs(self, text: str) -> list[Job]:
        """The jobs that the step may be in."""
        found = yamltext.jobs(text)
        if self.job is None:
            return found
        named = [job for job in found if job.name == self.job]
        if not named:
            raise EditFailed(
                f"{{file}} has no job `{self.job}`.", hint=f"it has: {', '.join(job.name for job in found)}"
            )
        return named

    def _checkout(self, found: list[Job]) -> tuple[Job, Step]:
        """The step to put ours behind, and its job."""
        places = [
            (job, step)
            for job in found
            for step in [next((one for one in job.steps if (one.uses or "").startswith(_CHECKOUT)), None)]
            if step is not None
        ]
        if not places:
            flow = "" if all(job.block for job in found) else " with a line of its own"
            raise EditFailed(
                f"{{file}}: no job{flow} has a step that uses {_CHECKOUT.rstrip('@')}, to put ours behind.",
                hint="put it where it belongs by hand: `sandkube setup github` prints it",
            )
        if len(places) > 1:
            raise EditFailed(
                f"{{file}} has several jobs that check out: {', '.join(job.name for job, _ in places)}.",
                hint="say which, with --job NAME",
            )
        return places[0]

    def _prove(self, before: str, after: str, job: Job, checkout: Step) -> None:
        """Refuse the edit unless the workflow means the same but for one more step in one place."""
        expected, found = yamltext.plain(before), yamltext.plain(after)
        if expected is not None:
            place = job.steps.index(checkout) + 1
            steps = expected["jobs"][job.name]["steps"]
            step = yamltext.plain(self.piece())
            expected["jobs"][job.name]["steps"] = [*steps[:place], *step, *steps[place:]]
        if expected is None or found != expected:
            raise EditFailed(
                "{file} is written in a way that a step cannot safely be put into.",
                hint="put it in by hand: `sandkube setup github` prints it",
            )


def _text(content: Content) -> str:
    if content.text is None:
        raise EditFailed("{file} is not there.", hint="name a workflow with --file")
    return content.text


def _is_ours(text: str, step: Step) -> bool:
    """Whether the first line of the step is one that we wrote."""
    first = text[step.start : step.end].splitlines()[0] if step.end > step.start else ""
    return (step.uses or "").startswith(f"{ACTION}@") and first.rstrip().endswith(MARK)
