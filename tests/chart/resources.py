"""The specification's resource tables (4.1, 4.2, 4.3) and what the chart's profiles ask for.

Replicas, CPU, memory and storage are requests; a total counts every lasting pod that the profile renders, so that a
container which nobody put into a table shows up there.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Final

from tests.chart import seed
from tests.chart.cases import DEV, LLM, PROD
from tests.chart.cells import ABSENT
from tests.chart.helm import Case, objects
from tests.chart.workloads import LASTING, Workload, quantity, workloads

TABLES: Final = {"4.1": DEV, "4.2": PROD}
COLUMNS: Final = ("Replicas", "CPU", "Memory", "Storage")
GI: Final = 2**30
# The table's row -> the chart's size.
SIZES: Final = {"vLLM (3B model)": "3b", "vLLM (8B model)": "8b", "vLLM (70B model)": "70b"}


def wanted() -> Mapping[str, str]:
    """Each cell of the three tables that says something; totals too."""
    found: dict[str, str] = {}
    for number in (*TABLES, "4.3"):
        for row in seed.table(number):
            name = row.pop("Component")
            found |= {f"{number} {name} {column}": value for column, value in row.items() if value != "-"}
    return found


@cache
def ours() -> Mapping[str, str]:
    """The same cells, as rendered: a number that means the same is written as the specification writes it."""
    found: dict[str, str] = {}
    written = wanted()
    for number, case in TABLES.items():
        pods = {pod.name: pod for pod in workloads(objects(case)) if pod.kind in LASTING}
        least = minimum_replicas(case)
        for cell, value in written.items():
            if cell.startswith(f"{number} "):
                name, column = cell.removeprefix(f"{number} ").rsplit(" ", 1)
                if name == "Total":
                    found[cell] = _total(pods, least, column, value)
                elif (pod := pods.get(name)) is not None:
                    found[cell] = _own(pod, least, column, value)
                else:
                    found[cell] = ABSENT
    return {**found, **_models(written)}


def minimum_replicas(case: Case) -> Mapping[str, int]:
    """The least replicas of what an autoscaler drives."""
    scalers = (item["spec"] for item in objects(case) if item["kind"] == "HorizontalPodAutoscaler")
    return {spec["scaleTargetRef"]["name"]: spec["minReplicas"] for spec in scalers}


def replicas(pod: Workload, least: Mapping[str, int]) -> int:
    return least.get(pod.name, pod.replicas)


def _amount(pod: Workload, column: str) -> Decimal:
    return {
        "Replicas": lambda: Decimal(1),
        "CPU": lambda: pod.requests("cpu"),
        "Memory": lambda: pod.requests("memory"),
        "Storage": pod.storage,
    }[column]()


def _own(pod: Workload, least: Mapping[str, int], column: str, value: str) -> str:
    mine = Decimal(replicas(pod, least)) if column == "Replicas" else _amount(pod, column)
    return value if mine == quantity(value) else _plain(mine, column)


def _total(pods: Mapping[str, Workload], least: Mapping[str, int], column: str, value: str) -> str:
    """The sum over all pods; the specification rounds to the digits that it writes."""
    mine = sum((_amount(pod, column) * replicas(pod, least) for pod in pods.values()), start=Decimal(0))
    shown = mine / GI if column in ("Memory", "Storage") else mine
    written = Decimal(value.removesuffix(" cores").removesuffix("Gi"))
    return value if round(shown, max(0, -int(written.as_tuple().exponent))) == written else _plain(mine, column)


def _plain(amount: Decimal, column: str) -> str:
    if column in ("Memory", "Storage"):
        return f"{(amount / GI).normalize():f}Gi"
    return f"{amount.normalize():f}"


def _models(written: Mapping[str, str]) -> Mapping[str, str]:
    """Table 4.3: what the inference server's pod asks for at each size."""
    found: dict[str, str] = {}
    for row, size in SIZES.items():
        case = LLM["vllm", size]
        pod = next((pod for pod in workloads(objects(case)) if pod.name == "vllm-inference"), None)
        for column in ("GPU", "CPU", "Memory", "Storage"):
            value = written[cell := f"4.3 {row} {column}"]
            if pod is None:
                found[cell] = ABSENT
            elif column == "GPU":
                found[cell] = _cards(pod)
            elif column == "Storage":
                found[cell] = _same(_volume(case), value, column)
            else:
                found[cell] = _same(_amount(pod, column), value, column)
    return found


def _same(mine: Decimal, value: str, column: str) -> str:
    return value if mine == quantity(value) else _plain(mine, column)


def _cards(pod: Workload) -> str:
    """`2x A100-80GB`: how many, and the product by which a node is chosen, without its maker and form."""
    count = pod.requests("nvidia.com/gpu")
    product = pod.spec.get("nodeSelector", {}).get("nvidia.com/gpu.product", "any")
    kind = product.removeprefix("NVIDIA-").replace("-SXM4", "").replace("-PCIE", "").replace("-PCIe", "")
    return f"{count:f}x {kind}"


def _volume(case: Case) -> Decimal:
    claims = [item for item in objects(case) if item["kind"] == "PersistentVolumeClaim"]
    sizes = [quantity(item["spec"]["resources"]["requests"]["storage"]) for item in claims]
    return max(sizes, default=Decimal(0))
