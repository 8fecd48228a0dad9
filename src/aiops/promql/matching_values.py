"""Whether a label's value satisfies a matcher, as Prometheus decides it.

Regular expressions are RE2's: Python's own would read some patterns differently, and a hostile one could hold the
process for years. What RE2 cannot read is refused: never a wrong selection of clusters.

Source: Prometheus, `model/labels/regexp.go`: anchored at both ends, and a dot takes a line's end, too.
"""

from functools import lru_cache

import re2

from aiops.promql.syntax import Matcher, MatchOp


class BadRegex(ValueError):
    """The pattern is no regular expression; the text says why."""


def satisfied(matcher: Matcher, value: str) -> bool:
    """Whether the value (empty where the label is missing) satisfies the matcher.

    Raises:
        BadRegex: its pattern cannot be read.

    """
    match matcher.op:
        case MatchOp.EQUAL:
            return value == matcher.value
        case MatchOp.NOT_EQUAL:
            return value != matcher.value
        case _:
            return _whole(matcher.value, value) is (matcher.op is MatchOp.REGEX)


def selects(matcher: Matcher) -> bool:
    """Whether it leaves out series without the label, as one matcher of each selector must.

    Of a pattern that RE2 cannot read nothing is said here: the member that is asked says it.
    """
    try:
        return not satisfied(matcher, "")
    except BadRegex:
        return True


@lru_cache(maxsize=4096)
def _whole(pattern: str, value: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(pattern, options).fullmatch(value) is not None
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else ""
        raise BadRegex(f"{pattern[:200]!r} is no regular expression of RE2: {reason}") from error
