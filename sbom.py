"""Writes what the image carries as a CycloneDX 1.6 document: the installed Python packages and the dashboard's.

Run it with the environment's own Python: `python sbom.py package-lock.json`. Packages of the base image's system are
not its business: scanners read those from the system's own database. The same content gives the same document.
"""

import base64
import json
import re
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

PRODUCT: Final = "aiops-nextgen"
# Classifiers from before licence expressions; those that name one licence.
CLASSIFIERS: Final = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Short words that read like an identifier and are none.
NO_IDENTIFIERS: Final = frozenset({"APACHE", "BSD", "GPL", "LGPL", "UNKNOWN"})
Component = dict[str, Any]


def python_components() -> Iterator[Component]:
    """The distributions that this Python can import."""
    for found in distributions():
        name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
        if name != PRODUCT:
            yield _component("pypi", name, found.version, python_licence(found))


def python_licence(found: Distribution) -> str | None:
    """A distribution's licence: its SPDX expression, else what its classifiers say, else its own short words."""
    if expression := _said(found, "License-Expression"):
        return expression
    classifiers = found.metadata.get_all("Classifier") or []
    names = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    known = sorted({CLASSIFIERS[name] for name in names if name in CLASSIFIERS})
    if known:
        return " AND ".join(known)
    words = _said(found, "License").strip()
    return words if words and "\n" not in words else None


def _said(found: Distribution, field: str) -> str:
    """What a distribution's metadata say in a field; nothing where they have none."""
    values = found.metadata.get_all(field) or [""]
    return str(values[0])


def dashboard_components(lock: Path) -> Iterator[Component]:
    """The packages that the dashboard's build may bundle: all of the lock file but those for development."""
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    for path, package in packages.items():
        if path and not package.get("dev") and not package.get("devOptional"):
            name = path.rpartition("node_modules/")[2]
            component = _component("npm", name, package["version"], package.get("license"))
            if algorithm_and_digest := package.get("integrity"):
                algorithm, _, digest = algorithm_and_digest.partition("-")
                content = base64.b64decode(digest).hex()
                component["hashes"] = [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": content}]
            yield component


def _component(kind: str, name: str, version: str, licence: str | None) -> Component:
    path = "/".join(quote(part, safe="") for part in name.split("/"))
    purl = f"pkg:{kind}/{path}@{quote(version, safe='')}"
    component: Component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if licence:
        component["licenses"] = [{"expression": licence} if _is_expression(licence) else {"license": {"name": licence}}]
    return component


def _is_expression(licence: str) -> bool:
    """Whether it reads as SPDX identifiers and operators rather than as words."""
    parts = re.split(r"\s+(?:AND|OR|WITH)\s+", licence.replace("(", "").replace(")", ""))
    return all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", part) for part in parts) and not NO_IDENTIFIERS.intersection(
        part.upper() for part in parts
    )


def document(version: str, components: list[Component]) -> dict[str, Any]:
    """The whole document; its serial number comes from what it says."""
    parts = sorted({part["bom-ref"]: part for part in components}.values(), key=lambda part: str(part["bom-ref"]))
    product = f"pkg:pypi/{PRODUCT}@{version}"
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([product, parts], sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": product,
                "name": PRODUCT,
                "version": version,
                "purl": product,
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": parts,
        "dependencies": [{"ref": product, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def main(lock: Path) -> None:
    """Print the document."""
    version = next((found.version for found in distributions() if found.metadata["Name"] == PRODUCT), None)
    if version is None:
        raise SystemExit(f"{PRODUCT} is not installed in {sys.prefix}: run this with the environment's own Python")
    components = [*python_components(), *dashboard_components(lock)]
    sys.stdout.write(json.dumps(document(version, components), indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
