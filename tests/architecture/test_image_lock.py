"""Every package of the image has a wheel for each architecture and Python that the image may be built for.

`requirements/image-wheels.txt` holds the names of the locked wheels, written together with the lock; their hashes tie
the two together, so that no package index is asked here.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

LOCK: Final = Path("requirements/image.txt")
WHEELS: Final = Path("requirements/image-wheels.txt")
PIN: Final = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\$", re.MULTILINE)
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
MACHINES: Final = ("x86_64", "aarch64")
# The oldest glibc that a base may have: that of RHEL 8, whose UBI images carry Python 3.11 and 3.12.
GLIBC_MINOR: Final = 28


@cache
def wheels() -> dict[tuple[str, str], set[Tag]]:
    """Package and version -> the tags of all its wheels."""
    found: dict[tuple[str, str], set[Tag]] = {}
    for line in WHEELS.read_text().splitlines():
        name, version, _, tags = parse_wheel_filename(line.split("  ")[1])
        found.setdefault((name, str(version)), set()).update(tags)
    return found


def platforms(machine: str) -> list[str]:
    old = ["manylinux2014", "manylinux2010", "manylinux1"]
    return [
        *(f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC_MINOR, 4, -1)),
        *(f"{n}_{machine}" for n in old),
    ]


def accepted(python: str, machine: str) -> set[Tag]:
    """What that Python takes on that machine."""
    version = tuple(map(int, python.split(".")))
    names = platforms(machine)
    return {
        *cpython_tags(version, platforms=names),
        *compatible_tags(version, interpreter=f"cp{python.replace('.', '')}", platforms=names),
    }


def needed(python: str, machine: str) -> Iterator[tuple[str, str]]:
    """What the lock installs there."""
    place = {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for pin in PIN.finditer(LOCK.read_text()):
        if pin["marker"] is None or Marker(pin["marker"]).evaluate(place):
            yield canonicalize_name(pin["name"]), pin["version"]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_has_a_wheel_there(python: str, machine: str) -> None:
    tags = accepted(python, machine)
    packages = list(needed(python, machine))
    assert len(packages) > 50
    assert [package for package in packages if not wheels().get(package, set()) & tags] == []


def test_a_package_without_such_a_wheel_would_be_seen() -> None:
    (_, _, _, only_intel) = parse_wheel_filename("thing-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    (_, _, _, too_new) = parse_wheel_filename("thing-1.0-cp312-cp312-manylinux_2_39_aarch64.whl")
    assert only_intel & accepted("3.12", "x86_64")
    assert not only_intel & accepted("3.12", "aarch64")
    assert not only_intel & accepted("3.11", "x86_64")
    assert not too_new & accepted("3.12", "aarch64")


def test_the_names_are_of_this_lock() -> None:
    hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", LOCK.read_text()))
    assert {line.split("  ")[0] for line in WHEELS.read_text().splitlines()} <= hashes
