"""Labelled series of the Numenta Anomaly Benchmark: a smoke test of quality, with one configuration for all of them.

It is no score: the benchmark's own scorer weighs how early and how often an alarm comes.
"""

import csv
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from aiops.intelligence.anomaly.baseline import Floats, baseline, runs

STEP_S = 300.0
THRESHOLD = 3.0  # the least sensitive there is


@pytest.fixture(scope="module")
def corpus() -> Path:
    folder = Path(os.environ.get("AIOPS_SHARED", "../shared")) / "data" / "nab"
    if not folder.is_dir():
        pytest.skip(f"the labelled series are not at {folder}; set AIOPS_SHARED to the folder that holds data/nab")
    return folder


def read(file: Path) -> tuple[list[datetime], Floats]:
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    return [datetime.fromisoformat(row["timestamp"]) for row in rows], np.array([float(row["value"]) for row in rows])


def labelled(corpus: Path) -> Iterator[tuple[Path, list[tuple[datetime, datetime]]]]:
    for name, windows in json.loads((corpus / "windows.json").read_text()).items():
        if (corpus / "data" / name).is_file():
            yield (
                corpus / "data" / name,
                [(datetime.fromisoformat(begin), datetime.fromisoformat(end)) for begin, end in windows],
            )


def test_nine_in_ten_labelled_windows_hold_an_alarm_and_the_rest_is_nearly_silent(corpus: Path) -> None:
    hits = []
    outside = []
    for file, windows in labelled(corpus):
        at, values = read(file)
        alarms = np.abs(np.nan_to_num(baseline(values, STEP_S).z)) >= THRESHOLD
        inside = [np.array([begin <= moment <= end for moment in at]) for begin, end in windows]
        hits += [bool(alarms[window].any()) for window in inside]
        outside += alarms[~np.any(inside, axis=0)].tolist() if inside else alarms.tolist()
    assert len(hits) > 30
    assert np.mean(hits) >= 0.9
    assert np.mean(outside) < 0.1


@pytest.mark.parametrize("name", ["art_flatline", "art_noisy"])
def test_series_without_anomaly_that_do_not_change_with_the_day_stay_silent(corpus: Path, name: str) -> None:
    _, values = read(corpus / "data" / "artificialNoAnomaly" / f"{name}.csv")
    assert runs(baseline(values, STEP_S).z, THRESHOLD) == []
