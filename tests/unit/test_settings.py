"""Settings by the names that people know, every mistake told at once."""

import pytest

from aiops.settings import SettingsError, load


def test_proxies_are_read_in_both_spellings_and_capitals_first() -> None:
    found = load(
        {"https_proxy": "http://a:1", "HTTP_PROXY": "http://b:2", "http_proxy": "http://c:3", "no_proxy": ".x"}
    )
    assert (found.proxy.https, found.proxy.http, found.proxy.no_proxy) == ("http://a:1", "http://b:2", ".x")


def test_small_letters_are_nothing_to_other_settings() -> None:
    assert load({"database_url": "postgresql://x/y"}).database.url == ""


def test_what_may_be_switched_off_is_by_0() -> None:
    assert load({"AIOPS_COLLECTOR_MAX_SETTLED_BYTES": "0"}).collector.max_settled_bytes == 0


def test_all_mistakes_are_told_at_once_with_their_names() -> None:
    with pytest.raises(SettingsError) as told:
        load(
            {
                "AIOPS_COLLECTOR_MAX_SETTLED_BYTES": "-1",
                "AIOPS_COLLECTOR_MAX_GATHERED_SERIES": "0",
                "AIOPS_HTTP_PORT": "eighty",
                "LLM_PROVIDER": "someone",
            }
        )
    lines = str(told.value).splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "AIOPS_HTTP_PORT",
        "AIOPS_COLLECTOR_MAX_GATHERED_SERIES",
        "AIOPS_COLLECTOR_MAX_SETTLED_BYTES",
        "LLM_PROVIDER",
    ]
    assert "must be above 0" in lines[1]
    assert "must be 0, which means none, or more" in lines[2]
