"""Queries in all spellings of every node, short and long, that a Prometheus 3 takes."""

from typing import Final

_LONG: Final = "a_metric_with_a_name_that_is_as_long_as_those_that_people_give"
SPELLINGS: Final = [
    "foo",
    '{"foo"}',
    '{"foo",a="b"}',
    '{a="b",__name__="foo"}',
    '{__name__=~"foo",a="b"}',
    'foo{b="c",a="d"}',
    "+foo",
    "-+foo",
    "+-foo",
    "+5",
    "-5",
    "-5m",
    "+5m",
    "5m",
    "1.5",
    "5m30s",
    "-(5)",
    "+(5)",
    "(+5)",
    "+(foo)",
    "1h * 2",
    "90d",
    "x[90d]",
    "x[1y]",
    "x[8d]",
    "x[14d]",
    "x[52w1d]",
    "x offset 2w",
    "x offset -1y",
    "x @ 5",
    "x @ -5.5",
    "x[5m] @ end() offset 5m",
    "x[5m:] @ start()",
    "x[5m:30s] offset -1m",
    "(x)[5m:1m]",
    "sum(x)",
    "sum by () (x)",
    "sum without () (x)",
    "sum(x) by (a, b)",
    "topk by (a) (3, x)",
    'count_values("a", x)',
    "SUM BY (A) (X)",
    "a and b",
    "a AND on(b) c",
    "a + on () b",
    "a + ignoring () b",
    "a + ignoring () group_left b",
    "a + on (x) group_left (y) b",
    "a + on (x) group_right () b",
    "a == bool b",
    "a + fill(0) b",
    "a + fill(1000000) b",
    "a + fill(1e21) b",
    "a + fill(1e20) b",
    "a + fill(0.00001) b",
    "a + fill(0.0001) b",
    "a + fill(-123456789.5) b",
    "a + fill_left(1) fill_right(2) b",
    "a + fill_right(2) b",
    "a + on(x) group_left fill_left(1) b",
    "a + fill(NaN) b",
    "a + fill_left(-Inf) b",
    "a + fill(5m) b",
    "1e30",
    "1e-30",
    "0x1F",
    "0755",
    "1_000",
    "Inf",
    "-Inf",
    "NaN",
    "-0",
    "2 ^ -1",
    "-2 ^ 2",
    '"a\\nb\\x01\\u00e9\\u200b\\U0001f600\\x7f"',
    "'a\"b'",
    "`a\\b`",
    'foo{a="\\u200b",b="\\U000e0001",c="\\u00a0"}',
    'foo{"a.b"="c"}',
    'label_replace(x, "a", "$1", "b", "(.*)")',
    "time()",
    "step()",
    "start()",
    "max_of(1, 2)",
    'absent(nonexistent{job="myjob",instance=~".*"})',
    (
        "rate(x[5m]) / on (a, b) group_left (c, d) rate(y[5m]) * 100 > bool 5 and ignoring (zzzz) "
        "unless_this_is_long_enough_now"
    ),
    ('sum by (cluster, namespace, pod, container, instance, job) (rate(container_cpu_usage_seconds_total{a="b"}[5m]))'),
    (
        "histogram_quantile(0.99, sum by (le, cluster, namespace) "
        '(rate(http_request_duration_seconds_bucket{job="api-server",code=~"2.."}[5m])))'
    ),
    (
        "-histogram_quantile(0.99, sum by (le, cluster, namespace) "
        '(rate(http_request_duration_seconds_bucket{job="api-server",code=~"2.."}[5m])))'
    ),
    (
        "+(histogram_quantile(0.99, sum by (le, cluster, namespace) "
        '(rate(http_request_duration_seconds_bucket{job="api-server",code=~"2.."}[5m]))))'
    ),
    (
        'max_over_time(rate(http_request_duration_seconds_bucket{job="api-server",code=~"2.."}[5m])[5m:3'
        "0s] @ end() offset 5m) + "
        'max_over_time((rate(http_request_duration_seconds_bucket{job="api-server",code=~"2..",more="mor'
        'ethan the other one"}[5m]))[5m:30s])'
    ),
    (
        "topk by (cluster, namespace, pod, container, instance, job) (5, "
        'rate(container_cpu_usage_seconds_total{a="b"}[5m]))'
    ),
    (
        "sum(foo) by (bar) > bool on (aaaaaaaaaaaaaaaaaaaaaaaaaaa, "
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb) group_left (cccccccccccccccccc) sum(bar)"
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{a="b"}'
    ),
    (
        "(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)[5m:1m]"
    ),
    (
        "avg_over_time(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx[5m:1m])"
    ),
    (
        "avg_over_time(x[5m:1m]) + "
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxx"
    ),
    (
        "day_of_week() + "
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxx"
    ),
    "x @ 1e9 # comment",
    "sum_over_time(x[5])",
    "x offset 5",
    "limitk(2, x)",
    'foo{a!="b",a!~"c",a=~"d"}',
    'info(x, {a="b"})',
    "-1 ^ 2",
    "2 ^ -1 * 3",
    "sum(x) by (a)",
    "topk(2, x)",
    "x @ -5.0005",
    "x[5m:] @ end() offset -1m",
    '{__name__=~"a.*", b!~"c|d"}',
    "a == bool on (b) group_left (c) d",
    "0x1F + 0755",
    "1e6",
    "1e21",
    "0.000001",
    "x offset 1d",
    "x[2w]",
    "x[1y2w]",
    "rate(x[90m])",
    'x{b="1", a="2"}',
    "x{}",
    'count_values("v", x)',
    'x{a="\\n\\t\\"\\\\\\x07\\u2028"}',
    "x{a='it'}",
    "a and on() b",
    "a atan2 b",
    "(x)",
    '"str"',
    "x[5m:1m]",
    '{"my.metric", "a.b"="c"}',
    f"{_LONG} + {_LONG}",
    f"sum by (job, instance) (rate({_LONG}[5m])) / on (job) group_left () sum by (job) (rate({_LONG}[5m]))",
    f"histogram_quantile(0.9, sum by (le, job, instance) (rate({_LONG}_bucket[5m])))",
    f"topk by (job) (3, label_replace({_LONG}, 'destination', '$1-and-something', 'source', '(.*)'))",
    f"-(({_LONG} - {_LONG} offset 1w) > bool ignoring (a, b) group_right (c) {_LONG})",
    f"max_over_time((sum by (job) ({_LONG}) / sum by (job) ({_LONG}))[1h:5m] offset 1d)",
    f"quantile_over_time(0.5, (({_LONG}{{job='a', instance=~'b.*'}} + {_LONG}) * 2)[1h:])",
]
