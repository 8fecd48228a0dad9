"""The command line. Each noun is a file, imported only when it is called: starting `aiops --help` costs nothing."""

import importlib
from typing import Any

import click

from aiops import __version__

# noun -> (module, attribute, help). The help stands here so that listing the commands imports none of them.
_COMMANDS = {
    "up": ("aiops.cli.up", "up", "Run the whole hub on this machine."),
    "serve": ("aiops.cli.serve", "serve", "Run one or more roles against existing stores."),
    "modules": ("aiops.cli.serve", "modules", "Show roles, modules, routes and tasks."),
    "openapi": ("aiops.cli.serve", "openapi", "Print the OpenAPI document."),
    "deploy": ("aiops.cli.deploy", "deploy", "What the chart's own jobs do in the cluster."),
    "doctor": ("aiops.cli.doctor", "doctor", "Say what is wrong with an installation, and what to do."),
    "support-bundle": ("aiops.cli.doctor", "support_bundle", "Pack findings, states and logs, without secrets."),
    "db": ("aiops.cli.db", "db", "Database schema: upgrade and check."),
    "token": ("aiops.cli.token", "token", "API tokens."),
    "cluster": ("aiops.cli.cluster", "cluster", "Clusters of the fleet."),
    "spoke": ("aiops.cli.spoke", "spoke", "What a cluster needs so that the hub can read it."),
    "query": ("aiops.cli.query", "query", "Ask PromQL of every cluster."),
    "alerts": ("aiops.cli.alerts", "alerts", "Alerts of the fleet."),
    "events": ("aiops.cli.events", "events", "Live events."),
    "anomalies": ("aiops.cli.anomalies", "anomalies", "Find anomalies in a query's series."),
    "llm": ("aiops.cli.llm", "llm", "Local language models."),
    "completion": ("aiops.cli.completion", "completion", "Print the shell's completion script."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, imported now."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="aiops")
def cli() -> None:
    """AIOps NextGen: one hub for a fleet of OpenShift and Kubernetes clusters."""


def main() -> Any:
    """Entry point of the `aiops` command."""
    return cli()
