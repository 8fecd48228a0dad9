"""When the dashboard is built, when its last build is used again, and with which Node."""

import os
import stat
import sys
from pathlib import Path

import pytest

import hatch_build

FAKE_NPM = """#!{python}
import pathlib, sys
if sys.argv[1] == "ci":
    assert not pathlib.Path("node_modules").exists(), "the copy carries no packages"
if sys.argv[1] == "run":
    if pathlib.Path("broken.ts").exists():
        sys.exit("broken.ts:1: error")
    out = pathlib.Path("../aiops/frontend/dist")
    out.mkdir(parents=True)
    (out / "index.html").write_text(pathlib.Path("index.html").read_text())
    print("initial JavaScript of index: 1.0 KB gzipped")
"""


def source_tree(root: Path) -> tuple[Path, Path]:
    source, dist = root / "src" / "dashboard", root / "src" / "aiops" / "frontend" / "dist"
    (source / "pages").mkdir(parents=True)
    dist.parent.mkdir(parents=True)
    (source / "index.html").write_text("one")
    (source / "pages" / "home.tsx").write_text("two")
    (source / "node_modules").mkdir()
    (source / "node_modules" / "big.js").write_text("not an input")
    return source, dist


def fake_npm(folder: Path) -> list[str]:
    program = folder / "npm"
    program.write_text(FAKE_NPM.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return [str(program)]


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v20.20.2\n", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v23.0.0", True),
        ("v24.19.0", True),
        ("v18.20.0", False),
        ("", False),
        ("not a version", False),
    ],
)
def test_node_must_be_in_the_range_of_vite(version: str, fits: bool) -> None:  # noqa: FBT001
    assert hatch_build.fits_vite(version) is fits


@pytest.mark.parametrize(("value", "skips"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)])
def test_a_setting_leaves_the_dashboard_out(value: str | None, skips: bool) -> None:  # noqa: FBT001
    environ = {} if value is None else {hatch_build.SKIP: value}
    assert hatch_build.skipped(environ) is skips


def test_the_hash_sees_contents_and_names_but_not_installed_packages(tmp_path: Path) -> None:
    source, _ = source_tree(tmp_path)
    first = hatch_build.hash_inputs(source)
    (source / "node_modules" / "big.js").write_text("changed")
    assert hatch_build.hash_inputs(source) == first
    (source / "pages" / "home.tsx").rename(source / "pages" / "start.tsx")
    renamed = hatch_build.hash_inputs(source)
    assert renamed != first
    (source / "index.html").write_text("changed")
    assert hatch_build.hash_inputs(source) not in {first, renamed}


def test_a_build_is_current_until_a_source_changes(tmp_path: Path) -> None:
    source, dist = source_tree(tmp_path)
    assert not hatch_build.is_current(source, dist)
    hatch_build.build(source, dist, fake_npm(tmp_path))
    assert hatch_build.is_current(source, dist)
    assert (dist / "index.html").read_text() == "one"
    (source / "index.html").write_text("new")
    assert not hatch_build.is_current(source, dist)
    hatch_build.build(source, dist, fake_npm(tmp_path))
    assert (dist / "index.html").read_text() == "new"
    assert (source / "node_modules").exists()


def test_a_build_that_somebody_made_by_hand_is_not_trusted(tmp_path: Path) -> None:
    source, dist = source_tree(tmp_path)
    dist.mkdir()
    (dist / "index.html").write_text("of unknown sources")
    assert not hatch_build.is_current(source, dist)


def test_a_failed_build_says_why_and_what_to_do_and_leaves_the_last_one(tmp_path: Path) -> None:
    source, dist = source_tree(tmp_path)
    npm = fake_npm(tmp_path)
    hatch_build.build(source, dist, npm)
    (source / "broken.ts").write_text("")
    with pytest.raises(hatch_build.DashboardBuildError, match=r"broken\.ts:1: error(.|\n)*AIOPS_SKIP_DASHBOARD=1"):
        hatch_build.build(source, dist, npm)
    assert (dist / "index.html").read_text() == "one"


def test_an_old_node_of_the_system_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("node", "#!/bin/sh\necho v18.20.0\n"), ("npm", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hatch_build.system_npm() is None
    (tmp_path / "node").write_text("#!/bin/sh\necho v22.20.0\n")
    assert hatch_build.system_npm() == [str(tmp_path / "npm")]
    (tmp_path / "npm").unlink()
    assert hatch_build.system_npm() is None


def test_a_node_is_asked_for_only_when_something_must_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, dist = source_tree(tmp_path)
    hook = hatch_build.DashboardBuildHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")  # type: ignore[arg-type]
    npm = fake_npm(tmp_path)
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv(hatch_build.SKIP, raising=False)
    assert hook.dependencies() == [hatch_build.NODE_REQUIREMENT]
    monkeypatch.setenv(hatch_build.SKIP, "1")
    assert hook.dependencies() == []
    monkeypatch.delenv(hatch_build.SKIP)
    hatch_build.build(source, dist, npm)
    assert hook.dependencies() == []
