"""`aiops doctor` and `aiops support-bundle`: what is wrong with an installation, told and packed, without secrets."""

import asyncio
import functools
import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from aiops.cli.client import plain
from aiops.cli.up import default_data_dir

if TYPE_CHECKING:
    from aiops.doctor.finding import Report
    from aiops.doctor.subject import Subject

COLOURS = {"OK": "green", "WARN": "yellow", "FAIL": "red", "SKIP": "bright_black"}
VERDICTS = {
    "FAIL": "what failed does not work; begin with the first",
    "WARN": "it works, and should not stay so",
    "OK": "nothing is wrong with what was looked at",
}
MARGIN = 6
NARROWEST = 40


def _subject_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which installation is meant, and hand it a `Subject` as `subject`."""

    @click.option("--role", "role_list", default="", help="What runs here, as for 'aiops serve'; several with commas.")
    @click.option("--data-dir", type=click.Path(path_type=Path), default=None, help="The folder of 'aiops up'.")
    @click.option("--config", type=click.Path(path_type=Path), default=None, help="Settings as a TOML file.")
    @click.option("--server", envvar="AIOPS_SERVER", default="", help="The hub's address.  [default: the public URL]")
    @click.option("--token", envvar="AIOPS_TOKEN", default=None, help="API token; better given as AIOPS_TOKEN.")
    @functools.wraps(command)
    def wrapped(
        *, role_list: str, data_dir: Path | None, config: Path | None, server: str, token: str | None, **arguments: Any
    ) -> None:
        from aiops.doctor.subject import of_environment

        roles = tuple(role for role in role_list.split(",") if role)
        if data_dir is None and not roles and "DATABASE_URL" not in os.environ and default_data_dir().is_dir():
            data_dir = default_data_dir()
        subject = of_environment(os.environ, config=config, roles=roles, data_dir=data_dir, server=server, token=token)
        command(subject=subject, **arguments)

    return wrapped


@click.command()
@_subject_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, subject: "Subject", as_json: bool) -> None:
    """Say what is wrong with this installation and what to do.

    It looks at the settings in the environment, at the stores and roles that they name, and at the hub from outside; it
    changes nothing. Without DATABASE_URL it looks at the hub of 'aiops up'.

    It ends with 0 when all that was looked at works, warned of or not, with 1 when something does not work, and with 2
    when the command itself was given wrong.
    """
    from aiops.doctor.examine import examine
    from aiops.doctor.finding import Status

    report = asyncio.run(examine(subject))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        _show(report)
    sys.exit(1 if report.status is Status.FAIL else 0)


def _show(report: "Report") -> None:
    """A line for each finding and one for its advice; broken in a terminal where it would be longer than that is."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    names = [one.area if one.check == one.area else f"{one.area}: {one.check}" for one in report.findings]
    width = max(len(name) for name in names)
    for name, finding in zip(names, report.findings, strict=True):
        mark = click.style(finding.status.value.ljust(5), fg=COLOURS[finding.status])
        found = plain(finding.found)
        if columns is None or MARGIN + width + 2 + len(found) <= columns:
            click.echo(f"{mark} {name.ljust(width)}  {found}")
        else:
            click.echo(f"{mark} {name}\n{_broken(found, '', columns)}")
        if finding.advice:
            click.echo(_broken(plain(finding.advice), "-> ", columns))
    counts = Counter(finding.status.value for finding in report.findings)
    told = ", ".join(f"{counts[status]} {status}" for status in ("FAIL", "WARN", "OK", "SKIP") if counts[status])
    click.echo(f"{told}: {VERDICTS[report.status]}")


def _broken(text: str, mark: str, columns: int | None) -> str:
    """Below its finding, in lines that fit."""
    begin = " " * MARGIN
    if columns is None:
        return f"{begin}{mark}{text}"
    return textwrap.fill(
        text,
        max(columns, NARROWEST),
        initial_indent=begin + mark,
        subsequent_indent=begin + " " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


@click.command("support-bundle")
@_subject_options
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The file to write.  [default: aiops-support-TIME.tar.gz]",
)
def support_bundle(*, subject: "Subject", output: Path | None) -> None:
    """Pack what somebody needs who helps: findings, settings, versions, states and logs, without secrets."""
    from aiops.doctor.bundle import pack

    try:
        written = asyncio.run(pack(subject, output))
    except FileExistsError as error:
        raise click.ClickException(f"{error.filename} exists already; give another --output") from error
    except OSError as error:
        raise click.ClickException(f"the bundle cannot be written: {error}; give another --output") from error
    click.echo(f"wrote {written.path} ({written.size // 1024 + 1} KiB, {len(written.names)} files)")
    click.echo("Secrets are masked. Look through it all the same before you hand it on.", err=True)
