"""`aiops token`: API tokens, and the way back in when all are lost."""

from pathlib import Path
from typing import Any

import click

from aiops.cli.client import Hub, hub_options, label_pair


@click.group()
def token() -> None:
    """API tokens."""


@token.command()
@click.argument("name", default="recovered administrator")
@click.option("--role", type=click.Choice(["admin", "operator", "viewer"]), default="viewer", show_default=True)
@click.option("--expires-in", default="90d", show_default=True)
@click.option("--cluster", "clusters", multiple=True, help="Only this cluster; repeatable.  [default: all]")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Only clusters with this label.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, exists=True),
    help="Make an administrator's token straight in this hub's data, without any token.",
)
@hub_options
def create(
    *,
    hub: Hub,
    name: str,
    role: str,
    expires_in: str,
    clusters: tuple[str, ...],
    labels: tuple[str, ...],
    data_dir: Path | None,
) -> None:
    """Make a token; it is shown only once."""
    if data_dir is not None:
        from aiops.cli.recover import recover
        from aiops.core.errors import AiopsError

        try:
            click.echo(recover(data_dir, name))
        except AiopsError as error:
            raise click.ClickException(str(error)) from error
        return
    selector: dict[str, Any] = {"all": True}
    if clusters:
        selector = {"ids": [hub.cluster_id(one) for one in clusters]}
    elif labels:
        selector = {"labels": dict(label_pair(label) for label in labels)}
    body = {"name": name, "role": role, "expires_in": expires_in, "clusters": selector}
    created = hub.ask("POST", "/api/v1/tokens", body)
    hub.show(created, ("token",), [(created["token"],)])


@token.command("list")
@hub_options
def list_tokens(*, hub: Hub) -> None:
    """List tokens; never their secrets."""
    items = hub.pages("/api/v1/tokens", {}, limit=None)
    columns = ("id", "name", "role", "created_by", "created_at", "expires_at")
    hub.show(items, columns, [[item[column] for column in columns] for item in items])


@token.command()
@click.argument("token_id")
@hub_options
def revoke(*, hub: Hub, token_id: str) -> None:
    """End a token now."""
    hub.ask("DELETE", f"/api/v1/tokens/{token_id}")
    click.echo(f"{token_id} is revoked")
