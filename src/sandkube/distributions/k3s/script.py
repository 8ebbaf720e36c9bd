"""The whole recipe as a POSIX shell script: plugin, PATH, flags, start, wait, verify, stop."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sandkube import cni
from sandkube.distributions import Plan
from sandkube.distributions.k3s import flags
from sandkube.plane import process

_END: Final = "END_OF_PLUGIN"


def script(plan: Plan) -> str:
    """What `up` would run, as a script that needs no sandkube: serves in the foreground until Ctrl-C."""
    from sandkube.distributions import k3s

    folder = plan.folder
    environment = _lines(f"{key}={shlex.quote(value)}" for key, value in flags.environment(plan).items())
    path = "".join(f"{shlex.quote(before)}:" for before in flags.path_before(plan))
    command = _lines(shlex.quote(word) for word in [str(plan.programs.serves), "server", *flags.flags(plan)])
    lock, data_lock = flags.locks(folder, plan.spec)
    kubeconfig = shlex.quote(str(flags.written_kubeconfig(folder)))
    return f"""\
#!/bin/sh
# Serves the sandkube cluster `{plan.spec.name}` with k3s, in the foreground; Ctrl-C ends it.
# It needs nothing of sandkube, and writes to the folders named here alone.
set -eu
umask 077
mkdir -p {shlex.quote(str(folder.path))}
cd {shlex.quote(str(folder.path))}
mkdir -p db {_quoted(k3s.folders(plan))}

# One server at a time, as `sandkube up` sees to it as well.
if command -v flock >/dev/null; then
  exec 8>>{shlex.quote(str(data_lock))} 9>>{shlex.quote(str(lock))}
  if ! {{ flock -n 8 && flock -n 9; }}; then
    echo "Another server uses this data." >&2
    exit 1
  fi
fi
echo {shlex.quote(flags.EMPTY.strip())} >{_quoted([flags.config_file(folder)])}
{_plugin(plan)}
(
  # Nothing of this shell's environment but what a server needs: other variables may be meant for another k3s.
  for name in $(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do
    case $name in
      {_kept()}) ;;
      *) unset "$name" ;;
    esac
  done
  PATH={path}$PATH \\
  {environment} \\
  NO_PROXY="${{NO_PROXY:+$NO_PROXY,}}"{shlex.quote(",".join(plan.internal_hosts))} \\
  exec {command}
) >>server.log 2>&1 &
k3s=$!

stop() {{
  trap - EXIT INT TERM
  kill "$k3s" 2>/dev/null || :
  wait "$k3s" || :
  exit "$1"
}}
# Ctrl-C reaches k3s, too, which takes a second signal as a demand to end in disorder.
interrupted() {{
  (sleep 5 && kill "$k3s") 2>/dev/null &
  wait "$k3s" || :
  kill "$!" 2>/dev/null || :
  stop 0
}}
trap interrupted INT
trap 'stop 0' TERM
trap 'stop $?' EXIT

# Ready: the API server says so, and the service account that pods need is there.
kubeconfig={kubeconfig}
cache={_quoted([folder.path / "cache"])}
client() {{ KUBECACHEDIR="$cache" {_client(plan)} --kubeconfig "$kubeconfig" "$@"; }}
until
  [ -s "$kubeconfig" ] && client get --raw /readyz >/dev/null 2>&1 &&
    client get serviceaccount default >/dev/null 2>&1
do
  kill -0 "$k3s" 2>/dev/null || {{
    echo "k3s ended; its log ends with:" >&2
    tail -n 12 server.log >&2
    exit 1
  }}
  sleep 0.2
done

client version
client get namespaces
echo "export KUBECONFIG=$kubeconfig" >&2
wait "$k3s"
"""


def _kept() -> str:
    """The variables that stay, as a pattern of `case`."""
    proxies = [
        name for pair in ((name, name.lower()) for name in (*process.PROXIES, "NO_PROXY")) for name in pair
    ]
    return " | ".join([*process.KEPT, "LC_*", *proxies])


def _client(plan: Plan) -> str:
    """What calls kubectl: our binary, the user's kubectl, or the one in k3s."""
    programs = plan.programs
    if programs.server is not None:
        words = [str(programs.server.binary), "kubectl"]
    elif programs.kubectl is not None:
        words = [str(programs.kubectl)]
    else:
        words = [str(programs.serves), "kubectl"]
    return shlex.join(words)


def _quoted(paths: Iterable[Path]) -> str:
    return " ".join(shlex.quote(str(path)) for path in paths)


def _plugin(plan: Plan) -> str:
    """Writes the CNI plugin; nothing where none is looked for."""
    if plan.spec.cni != "host-local":
        return "# k3s looks for no CNI plugin: --flannel-backend=none.\n"
    path = shlex.quote(str(flags.plugins(plan.folder) / "host-local"))
    text = cni.plugin_text(sys.executable)
    assert _END not in text
    return f"""
# k3s looks for this CNI plugin on PATH before it serves, and never runs it. (It would work if it were run.)
cat >{path} <<'{_END}'
{text.rstrip()}
{_END}
chmod 700 {path}
"""


def _lines(words: Iterable[str]) -> str:
    """``words``, quoted already, one a line of the same command."""
    return " \\\n  ".join(words)
