"""Evaluates PromQL over a source of series, with numpy, as a Prometheus of either generation does."""

from aiops.promql.engine.budget import Limits
from aiops.promql.engine.errors import (
    DuplicateLabels,
    EvaluationError,
    InvalidParameter,
    ManyToMany,
    MultipleMatches,
    NotEvaluable,
    OverLimit,
    WrongType,
)
from aiops.promql.engine.evaluate import Given, evaluate
from aiops.promql.engine.grid import Grid, anchored, subquery_grid
from aiops.promql.engine.labels import Labels, label_set
from aiops.promql.engine.rules import PROMETHEUS_2, PROMETHEUS_3, Rules
from aiops.promql.engine.values import (
    STALE_BITS,
    Ranges,
    Scalar,
    SeriesData,
    Source,
    String,
    Value,
    Vector,
)

__all__ = [
    "PROMETHEUS_2",
    "PROMETHEUS_3",
    "STALE_BITS",
    "DuplicateLabels",
    "EvaluationError",
    "Given",
    "Grid",
    "InvalidParameter",
    "Labels",
    "Limits",
    "ManyToMany",
    "MultipleMatches",
    "NotEvaluable",
    "OverLimit",
    "Ranges",
    "Rules",
    "Scalar",
    "SeriesData",
    "Source",
    "String",
    "Value",
    "Vector",
    "WrongType",
    "anchored",
    "evaluate",
    "label_set",
    "subquery_grid",
]
