"""`aiops llm serve` and `check`: a model in a GGUF file behind an OpenAI-compatible API on this machine.

It listens on loopback alone, which a probe from outside a pod cannot reach: `check` is for those, run inside.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiops.settings import SettingsError, StreamingSettings, load

if TYPE_CHECKING:
    from aiops.intelligence.llm.endpoint import Endpoint
    from aiops.intelligence.llm.llama import LlamaModel
    from aiops.server import Serving
    from aiops.settings import Settings

PORT = 8000
LISTED_S = 5.0
SAID_S = 60.0  # a large model on CPUs takes its time over the first one
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_BODY_BYTES = 10 * 1024 * 1024  # the contract's


@click.group()
def llm() -> None:
    """Local language models."""


@llm.command()
@click.option(
    "--model", "file", required=True, type=click.Path(path_type=Path), help="The model, a file in GGUF format."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, type=click.Choice(LOOPBACK), help="Address to listen on."
)
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free port.")
@click.option("--alias", default=None, help="What callers name the model.  [default: the file's name]")
@click.option(
    "--context",
    default=8192,
    show_default=True,
    type=click.IntRange(min=0),
    help="Tokens of a question and its answer together; 0 takes what the model was trained with.",
)
@click.option(
    "--gpu-layers",
    default=None,
    type=click.IntRange(min=-1),
    help="Layers on the GPU, -1 for all.  [default: all where the library can, else none]",
)
@click.option(
    "--threads",
    default=None,
    type=click.IntRange(min=1),
    help="Threads.  [default: the CPUs that this process may use]",
)
def serve(
    *,
    file: Path,
    host: str,
    port: int,
    alias: str | None,
    context: int,
    gpu_layers: int | None,
    threads: int | None,
) -> None:
    """Serve one model to callers on this machine, over plain HTTP and without sign-in.

    It listens on loopback only: in a pod it stands beside the role that asks it.
    """
    from aiops.core import log
    from aiops.intelligence.llm.llama import ModelError, ModelOptions
    from aiops.intelligence.llm.llama import load as load_model
    from aiops.server import PortTaken, bind
    from aiops.server import serve as serve_app

    try:
        mine = load(os.environ).log
        log.configure(level=mine.level, fmt=mine.format, role="llm")
        with bind(host, port) as listener:
            options = ModelOptions(context, threads or usable_cpus(), gpu_layers)
            model = load_model(file, options)
            name = alias or file.stem
            bound = listener.getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            status = asyncio.run(
                serve_app(
                    serving(model, name),
                    listener,
                    lambda: click.echo(f"{name} answers at http://{shown}:{bound}/v1", err=True),
                )
            )
    except (SettingsError, ModelError, PortTaken) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(status)


@llm.command()
@click.option(
    "--host",
    default=None,
    type=click.Choice(LOOPBACK),
    help=f"A model on this machine.  [default: the one that LLM_PROVIDER sets, else {LOOPBACK[0]}]",
)
@click.option(
    "--port", default=None, type=click.IntRange(1, 65535), help=f"The port of one on this machine.  [default: {PORT}]"
)
@click.option("--ask", is_flag=True, help="Let it say a token too, which waits for its turn.")
def check(*, host: str | None, port: int | None, ask: bool) -> None:
    """Ask a served model whether it answers; ends with 1 when it does not.

    Without --host and --port it asks the model of the settings: LLM_PROVIDER, LLM_LOCAL_URL, LLM_MODEL and LLM_API_KEY.
    """
    from aiops.intelligence.llm.endpoint import Endpoint, endpoint_of, mistakes
    from aiops.intelligence.llm.probe import ModelTrouble
    from aiops.settings import LlmProvider

    try:
        settings = load(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    endpoint = None
    if host is None and port is None:
        if found := mistakes(settings.llm):
            raise click.ClickException("\n".join(found))
        endpoint = endpoint_of(settings.llm)
    own = endpoint is None
    if endpoint is None:
        place = f"[{host}]" if host and ":" in host else host or LOOPBACK[0]
        endpoint = Endpoint(LlmProvider.LOCAL, f"http://{place}:{port or PORT}/v1")
    try:
        asyncio.run(_check(endpoint, settings, ask=ask))
    except ModelTrouble as trouble:
        advice = "is 'aiops llm serve' running there?" if own else trouble.advice
        raise click.ClickException(f"no model answers at {endpoint.url}: {trouble.found}; {advice}") from trouble


async def _check(endpoint: "Endpoint", settings: "Settings", *, ask: bool) -> None:
    from prometheus_client import CollectorRegistry

    from aiops import __version__
    from aiops.core.http import AddressPolicy, Deadline, HttpClient, HttpMetrics, proxies
    from aiops.intelligence.llm.probe import chosen, one_token, served

    client = HttpClient(
        user_agent=f"aiops-llm-check/{__version__}",
        policy=AddressPolicy(unrestricted=True),
        metrics=HttpMetrics(CollectorRegistry()),
        proxies=proxies(settings.proxy),
    )
    async with client as http:
        model = chosen(endpoint, await served(endpoint, http, Deadline.after(LISTED_S)))
        room = f": {model.max_model_len} tokens of context" if model.max_model_len else ""
        click.echo(f"{model.id}{room}")
        if ask:
            took_s = await one_token(endpoint, model, http, Deadline.after(SAID_S))
            click.echo(f"it said a token after {took_s:.1f} s")


def serving(model: "LlamaModel", alias: str) -> "Serving":
    """The process around a loaded model: the paths that every role has, and the model's own."""
    from prometheus_client import CollectorRegistry

    from aiops.app import AppSpec, Lifecycle, build_app, nobody
    from aiops.core.module import Module
    from aiops.core.observe import Observed
    from aiops.core.tasks import Supervisor
    from aiops.intelligence.llm.routes import router
    from aiops.server import Serving

    metrics = CollectorRegistry()
    lifecycle = Lifecycle()
    supervisor = Supervisor([])
    app = build_app(
        AppSpec(
            role="llm",
            modules=[Module("llm", routes=(router(model, alias),), resources=(model,))],
            resources=[],
            identify=nobody,
            supervisor=supervisor,
            metrics=metrics,
            lifecycle=lifecycle,
            max_body_bytes=MAX_BODY_BYTES,
            metrics_token=None,
            serve_internal=False,
        )
    )
    sockets = StreamingSettings()
    return Serving(
        app=Observed(app, role="llm", metrics=metrics),
        lifecycle=lifecycle,
        supervisor=supervisor,
        drain=(),
        ping_interval_s=sockets.ping_interval_s,
        ping_timeout_s=sockets.ping_timeout_s,
    )


def usable_cpus() -> int:
    """The CPUs that this process may keep busy: those it may run on, within the quota of its control group."""
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cpus = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(cpus, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no control group of version 2, or no quota: "max"
        return cpus
