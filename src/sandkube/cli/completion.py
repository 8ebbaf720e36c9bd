"""`sandkube completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that completes sandkube's commands in a shell.

    \b
    bash:  eval "$(sandkube completion bash)"     in ~/.bashrc
    zsh:   eval "$(sandkube completion zsh)"      in ~/.zshrc
    fish:  sandkube completion fish | source      in ~/.config/fish/config.fish
    """  # noqa: D301 -- click takes the character itself for "leave the lines"
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "sandkube", "_SANDKUBE_COMPLETE").source())
