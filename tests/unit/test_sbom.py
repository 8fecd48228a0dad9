"""The image's bill of materials, over this environment's own packages and the dashboard's own lock file."""

import json
import re
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

import sbom

LOCK = Path("src/dashboard/package-lock.json")
# Licences that a product under Apache-2.0 may ship with, and whose terms an image meets as it is.
FINE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
    # Used as it is and replaceable by its user, as the licence asks: a package of its own in the environment.
    "LGPL-3.0-only",
}
# Packages whose own data say nothing, or words instead of an identifier; read by hand.
READ_BY_HAND = {
    "protobuf": "BSD-3-Clause",
    "rich-click": "MIT",
    "decko": "MIT",
    "stickyfill": "MIT",
    "promql-parser": "MIT",
    "url-template": "BSD-3-Clause",
}


def licences(component: dict[str, Any]) -> set[str]:
    """The identifiers that one may be used under, or the words that it says instead."""
    if component["name"] in READ_BY_HAND:
        return {READ_BY_HAND[component["name"]]}
    (said,) = component.get("licenses") or [{"license": {"name": "nothing"}}]
    if "expression" not in said:
        return {said["license"]["name"]}
    either = said["expression"].replace("(", "").replace(")", "").split(" OR ")
    return next((parts for parts in (set(one.split(" AND ")) for one in either) if parts <= FINE), set(either))


def runtime() -> set[str]:
    text = Path("requirements/image.txt").read_text()
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def test_every_package_that_is_shipped_has_a_licence_that_we_may_ship() -> None:
    shipped = [part for part in sbom.python_components() if part["name"] in runtime()]
    assert len(shipped) > 50
    bundled = list(sbom.dashboard_components(LOCK))
    assert len(bundled) > 50
    strange = {part["purl"]: licences(part) for part in [*shipped, *bundled] if not licences(part) <= FINE}
    assert strange == {}


def test_what_was_read_by_hand_still_says_nothing_itself() -> None:
    parts = [*sbom.python_components(), *sbom.dashboard_components(LOCK)]
    speaking = {part["name"] for part in parts if "expression" in (part.get("licenses") or [{}])[0]}
    assert speaking & READ_BY_HAND.keys() == set()


def test_the_document_names_each_package_once_and_comes_out_the_same_twice() -> None:
    parts = [*sbom.python_components(), *sbom.dashboard_components(LOCK)]
    document = sbom.document("1.0", parts)
    assert document == sbom.document("1.0", parts[::-1])
    assert document["serialNumber"] != sbom.document("1.1", parts)["serialNumber"]
    references = [part["bom-ref"] for part in document["components"]]
    assert references == sorted(set(references))
    assert document["dependencies"] == [{"ref": "pkg:pypi/aiops-nextgen@1.0", "dependsOn": references}]
    names = {part["name"] for part in document["components"]}
    installed = {re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower() for found in distributions()}
    assert installed - {"aiops-nextgen"} <= names


def test_packages_of_the_dashboard_come_with_their_hash_and_without_what_only_develops_it(tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    packages = {
        "": {"name": "dashboard"},
        "node_modules/@scope/shown": {"version": "1.2.3", "license": "MIT", "integrity": "sha512-AAEC"},
        "node_modules/a/node_modules/inner": {"version": "2.0.0"},
        "node_modules/tester": {"version": "3.0.0", "dev": True},
    }
    lock.write_text(json.dumps({"packages": packages}))
    shown, inner = sbom.dashboard_components(lock)
    assert shown["purl"] == "pkg:npm/%40scope/shown@1.2.3"
    assert shown["licenses"] == [{"expression": "MIT"}]
    assert shown["hashes"] == [{"alg": "SHA-512", "content": "000102"}]
    assert (inner["name"], "licenses" in inner) == ("inner", False)


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("MIT OR Apache-2.0", {"expression": "MIT OR Apache-2.0"}),
        ("(MPL-2.0 AND MIT)", {"expression": "(MPL-2.0 AND MIT)"}),
        ("BSD", {"license": {"name": "BSD"}}),
        ("3-Clause BSD License", {"license": {"name": "3-Clause BSD License"}}),
    ],
)
def test_words_are_not_given_out_as_an_identifier(tmp_path: Path, licence: str, said: dict[str, Any]) -> None:
    lock = tmp_path / "package-lock.json"
    lock.write_text(json.dumps({"packages": {"node_modules/a": {"version": "1.0.0", "license": licence}}}))
    (component,) = sbom.dashboard_components(lock)
    assert component["licenses"] == [said]
