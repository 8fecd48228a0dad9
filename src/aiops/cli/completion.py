"""`aiops completion`: the script that teaches a shell to complete `aiops`."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL, for example: source <(aiops completion bash)."""
    from aiops.cli import cli

    found = get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"no completion for {shell}")
    click.echo(found(cli, {}, "aiops", "_AIOPS_COMPLETE").source())
