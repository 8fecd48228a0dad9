"""Which test breaks what an advice is about, and reads it. Advice without a test, and a stale name, are errors.

Advice is named as `file | check | how it begins`; a second one of the same words has a number.
"""

from collections.abc import Mapping
from typing import Final

READS: Final[Mapping[str, tuple[str, ...]]] = {
    "test_a_database_on_another_clock[-60]": ("database | clock | let NTP (chrony) run on both nodes",),
    "test_a_database_that_is_away": ("database | connection | is the server running, are host and port in DATA",),
    "test_a_database_that_is_not_there_or_is_none": (
        "database | connection | correct DATABASE_URL",
        "database | connection | create the database, or correct its name in DATA",
    ),
    "test_a_database_that_speaks_no_tls": ("database | connection | compare sslmode and sslrootcert in DATABASE_URL",),
    "test_a_database_that_takes_no_writes": (
        "database | connection | no host of DATABASE_URL leads; look at the serve",
        "database | writing | name every host in DATABASE_URL and add ?target_",
    ),
    "test_a_database_whose_connections_run_out": (
        "database | connections | raise max_connections, or lower AIOPS_DATABASE_P",
    ),
    "test_a_database_without_a_schema": ("database | schema | run 'aiops db upgrade'",),
    "test_a_folder_that_cannot_be_read": ("data_dir | folder | run this as the user of 'aiops up', and give its",),
    "test_a_hub_that_is_not_ready_says_why": ("public_url | ready | mend what it names",),
    "test_a_hub_that_was_killed": ("public_url | address | the hub has ended without a word: start it again",),
    "test_a_model_that_does_not_chat": ("model | {check} | {trouble.advice} #2",),
    "test_a_model_that_says_nothing": ("model | {check} | {trouble.advice}",),
    "test_a_part_of_the_hub_that_is_not_well": ("public_url | component {name} | see this component's own finding",),
    "test_a_postgresql_that_is_too_old": ("database | version | this release needs PostgreSQL {OLDEST} or newer;",),
    "test_a_provider_that_there_is_not_is_told_with_those_that_are": (
        "configuration | {_name(problem)} | correct it where the settings come from: environ",
    ),
    "test_a_proxy_behind_a_firewall": ("proxy | proxy | let network policies and firewalls let this pod",),
    "test_a_proxy_that_is_away": ("proxy | proxy | does the proxy run, and is its port right?",),
    "test_a_proxy_that_nobody_knows": ("proxy | proxy | correct the proxy's host",),
    "test_a_redis_that_allows_too_little": (
        "redis_server | connection | let the user of REDIS_URL run every command on e",
    ),
    "test_a_redis_that_answers_although_its_disk_is_full": (
        "redis_server | persistence | make room on the server's volume, and look at it",
    ),
    "test_a_redis_that_follows_another": ("redis_server | writing | point REDIS_URL at the primary, or at the sentin",),
    "test_a_redis_that_forgets": (
        "redis_server | eviction | set maxmemory-policy noeviction",
        "redis_server | eviction | set maxmemory-policy noeviction #2",
        "redis_server | memory | set maxmemory to about three quarters of the con",
        "redis_server | memory | raise maxmemory before writes are refused",
        "redis_server | persistence | set appendonly yes with a volume; the outbox fil",
    ),
    "test_a_redis_that_is_away_or_has_another_password": (
        "redis_server | connection | compare the password in REDIS_URL with the serve",
        "redis_server | connection | is the server running, are host and port in REDI",
    ),
    "test_a_redis_that_is_too_old": ("redis_server | version | this release needs Redis {OLDEST} or Valkey; upg",),
    "test_a_redis_that_still_loads": ("redis_server | connection | it reads its data after a start: wait, and ask a",),
    "test_a_redis_whose_disk_is_full": (
        "redis_server | connection | it takes no writes while it cannot keep them: ma",
    ),
    "test_a_redis_whose_snapshot_failed": (
        "redis_server | persistence | make room on the server's volume, and look at it #2",
    ),
    "test_a_redis_with_a_certificate_of_an_unknown_authority": (
        "redis_server | connection | set AIOPS_REDIS_CA_FILE to the authority of the",
    ),
    "test_a_role_and_a_hub_that_stop_in_the_middle": (
        "peers | {role} signature | the role lives and does not answer; look at its",
        "public_url | token | let the Route or Ingress pass /health to the gat",
    ),
    "test_a_role_of_another_release_and_of_another_time": (
        "peers | {role} | fine while a roll-out is under way; otherwise gi",
        "peers | {role} clock | let NTP (chrony) run on both nodes",
    ),
    "test_a_schema_of_another_release[newer]": (
        "database | schema | a newer release has upgraded it: let the roll-ou",
    ),
    "test_a_schema_of_another_release[older]": ("database | schema | run 'aiops db upgrade' #2",),
    "test_a_token_that_is_not_accepted": ("public_url | token | make a new one: aiops token create NAME, or with",),
    "test_a_url_that_leads_to_another_role_or_to_nobody": (
        "peers | {role} | is the role running, is {variable} right, do net",
        "peers | {role} | {variable} leads to the wrong Service; correct i",
    ),
    "test_a_way_that_passes_health_alone": (
        "public_url | ready | let the Route or Ingress pass /ready to the gate",
        "public_url | token | let the Route pass /health to the gateway",
    ),
    "test_a_wrong_password_of_the_database": (
        "database | connection | compare user and password in DATABASE_URL with t",
    ),
    "test_an_address_that_leads_elsewhere": (
        "peers | {role} | correct {variable}",
        "public_url | address | does the name resolve, does a Route or Ingress e",
        "public_url | address | let the Route or Ingress pass /health, /ready, /",
    ),
    "test_an_object_store_that_cannot_be_written": (
        "objects | store | compare AIOPS_OBJECTS_URL, AIOPS_OBJECTS_ENDPOIN",
    ),
    "test_an_object_store_that_gives_back_something_else": ("objects | store | look for a proxy or a cache before it",),
    "test_certificates": (
        "public_url | address | give the Route or Ingress a certificate for this",
        "public_url | certificate | renew it, or see why cert-manager has not",
    ),
    "test_hosts_that_are_not_known": (
        "database | connection | correct the host in DATABASE_URL; from another n",
        "redis_server | connection | correct the host in REDIS_URL; from another name",
    ),
    "test_rights_in_the_cluster_are_asked_of_the_cluster": (
        "cluster_access | {verb} {resource} | oc create role aiops-support --verb={verb} --res",
        "examine | {area} | see the finding; what came after it was not look",
    ),
    "test_roles_that_refuse_our_signature": (
        "peers | {role} signature | give both roles the same AIOPS_INTERNAL_SECRET,",
    ),
    "test_sentinels_that_know_no_primary_of_that_name": (
        "redis_server | connection | do the sentinels answer? compare the primary's n",
    ),
    "test_settings_that_name_no_model[line-end]": (
        "model | endpoint | correct it; until then the role intelligence doe",
    ),
    "test_the_folder_of_a_hub": (
        "data_dir | folder | give the --data-dir with which 'aiops up' was st",
        "data_dir | folder | give the --data-dir with which 'aiops up' was st #2",
        "data_dir | hub | start it: aiops up --data-dir {path}",
        "data_dir | rights | chmod -R go-rwx {path}, and make new tokens if o",
        "data_dir | disk | make room, or move the folder to a larger disk w",
        "data_dir | disk | make room, or move the folder to a larger disk w #2",
    ),
    "test_weak_settings_are_warned_about": (
        "configuration | public url | let a Route, an Ingress or a proxy speak TLS and",
        "configuration | {name} | use {least} or more: openssl rand -hex 32",
    ),
    "test_what_a_role_lacks_and_what_cannot_be_used_is_named_by_its_variable": (
        "configuration | roles | give --role one of them, or several with commas",
        "configuration | {_name(problem)} | set it as the README and the chart's values say,",
        "redis_server | connection | correct REDIS_URL",
        "configuration | {_name(problem)} | set it to the key with which credentials were st",
        "configuration | {_name(problem)} | set it to the server's postgresql:// URL, or giv",
        "configuration | {_name(problem)} | set it to the server's redis:// URL, or give --d",
        "configuration | {_name(problem)} | set it, the same for all roles: openssl rand -he",
    ),
    "test_what_hangs_is_a_finding_and_holds_up_nothing": (
        "examine | {area} | something on the way drops packets: look at netw",
    ),
    "test_without_a_model_it_says_what_works_all_the_same": (
        "model | endpoint | set LLM_PROVIDER to local, or take LLM_LOCAL_URL",
    ),
}
