#!/bin/bash
# Starts PostgreSQL on an empty or an existing volume, alone or as one of two. It never deletes a data folder.
# With two pods the peer is asked first: a new volume copies a peer that leads, and one that led before follows a peer
# that leads on a newer timeline. When the peer cannot be asked, a former primary goes on and a standby waits for it.
set -euo pipefail

export PGDATA=${PGDATA:-/var/lib/pgsql/data/userdata}
export PGCONNECT_TIMEOUT=3
sockets=${POSTGRES_SOCKETS:-/var/run/postgresql}
port=${POSTGRES_PORT:-5432}
replicas=${POSTGRES_REPLICAS:-1}
ordinal=${HOSTNAME##*-}
settings=${POSTGRES_SETTINGS:-/etc/aiops/postgresql}
if [ "$replicas" -gt 1 ]; then
  POSTGRES_PEER=${POSTGRES_PEER:-${HOSTNAME%-*}-$((1 - ordinal)).postgresql-nodes}
fi
if ! command -v postgres >/dev/null; then
  for folder in /usr/lib/postgresql/*/bin; do PATH="$folder:$PATH"; done
fi

say() { echo "start: $*" >&2; }

known_user() { # initdb looks its user up; a random one is in no list
  id -un >/dev/null 2>&1 && return
  local library
  for library in /usr/lib64/libnss_wrapper.so /usr/lib/*/libnss_wrapper.so; do
    [ -e "$library" ] || continue
    echo "postgres:x:$(id -u):$(id -g):PostgreSQL:/tmp:/bin/bash" >/tmp/passwd
    echo "postgres:x:$(id -g):" >/tmp/group
    export LD_PRELOAD=$library NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group
    return
  done
}

ask_peer() { # SQL; nothing when there is no answer
  [ "$replicas" -gt 1 ] || return 0
  PGPASSWORD=$POSTGRES_REPLICATION_PASSWORD psql -h "$POSTGRES_PEER" -p "$port" -U replicator -d postgres -XAtqc "$1" 2>/dev/null || true
}

peer_leads() { [ "$(ask_peer 'select pg_is_in_recovery()')" = f ]; }

peer_timeline() { # of what it writes now: its control file tells of a promotion only after the next checkpoint
  ask_peer "select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"
}

own_timeline() { pg_controldata "$PGDATA" | sed -n "s/^Latest checkpoint's TimeLineID: *//p"; }

locale() { # the same order everywhere, whatever the image's C library
  if initdb --help | grep -q builtin-locale; then
    echo --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C
  else
    echo --locale=C
  fi
}

make_database() {
  say "the volume is empty: making the database"
  local folder="$PGDATA.new"
  rm -rf "$folder" # of an earlier try that was cut off
  mkdir -p "$folder"
  chmod 700 "$folder"
  # shellcheck disable=SC2046 # several words
  initdb -D "$folder" -U postgres --encoding=UTF8 $(locale) --auth-local=trust --auth-host=scram-sha-256 \
    --data-checksums --pwfile=<(printf '%s' "$POSTGRES_ADMIN_PASSWORD") >/dev/null
  pg_ctl -D "$folder" -w -s -o "-c listen_addresses='' -c unix_socket_directories=$sockets -p $port" start
  psql -h "$sockets" -p "$port" -U postgres -d postgres -Xq -v ON_ERROR_STOP=1 \
    -v name="$POSTGRES_USER" -v word="$POSTGRES_PASSWORD" -v database="$POSTGRES_DB" \
    -v replication="$POSTGRES_REPLICATION_PASSWORD" <<'SQL'
create role :"name" login password :'word';
create database :"database" owner :"name";
create role replicator login replication password :'replication';
grant pg_read_all_settings to replicator;
grant pg_checkpoint to replicator;
grant execute on function pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), pg_read_binary_file(text),
  pg_read_binary_file(text, bigint, bigint, boolean) to replicator;
SQL
  pg_ctl -D "$folder" -w -s -m fast stop
  # Only a whole database gets the name under which it is found again.
  mv "$folder" "$PGDATA"
}

copy_peer() {
  say "the volume is empty: copying $POSTGRES_PEER"
  rm -rf "$PGDATA.copy" # of an earlier try that was cut off
  PGPASSWORD=$POSTGRES_REPLICATION_PASSWORD pg_basebackup -h "$POSTGRES_PEER" -p "$port" -U replicator \
    -D "$PGDATA.copy" -X stream -c fast --write-recovery-conf
  chmod 700 "$PGDATA.copy"
  mv "$PGDATA.copy" "$PGDATA"
}

become_standby() {
  say "$POSTGRES_PEER leads on timeline $(peer_timeline), this volume is on $(own_timeline): following"
  ask_peer checkpoint >/dev/null # else pg_rewind sees the old timeline in its control file
  PGPASSWORD=$POSTGRES_REPLICATION_PASSWORD pg_rewind -D "$PGDATA" --config-file="$settings/postgresql.conf" \
    --source-server="host=$POSTGRES_PEER port=$port user=replicator dbname=postgres" --write-recovery-conf
}

prepare() {
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ "$replicas" -gt 1 ]; then
      if peer_leads; then
        copy_peer
        return
      fi
      if [ "$ordinal" != 0 ]; then
        say "waiting for $POSTGRES_PEER to lead"
        until peer_leads; do sleep 2; done
        copy_peer
        return
      fi
    fi
    make_database
    return
  fi
  # The kubelet opens a volume's folders to the pod's fsGroup, and PostgreSQL refuses one that a group can write to.
  chmod 700 "$PGDATA"
  if [ "$replicas" -gt 1 ] && [ ! -e "$PGDATA/standby.signal" ] && peer_leads; then
    if [ "$(peer_timeline)" -gt "$(own_timeline)" ]; then
      become_standby
    else
      say "$POSTGRES_PEER leads too, on the same timeline: two primaries; stop one of them" >&2
      exit 1
    fi
  elif [ "$replicas" = 1 ] && [ -e "$PGDATA/standby.signal" ]; then
    say "this volume is a standby's, and there is one pod only: promote it first" >&2
    exit 1
  fi
}

known_user
prepare
say "starting"
exec postgres -D "$PGDATA" -p "$port" -c config_file="$settings/postgresql.conf" -c hba_file="$settings/pg_hba.conf" \
  -c unix_socket_directories="$sockets"
