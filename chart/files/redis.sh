#!/bin/sh
# Starts Redis or Valkey from /etc/aiops/redis/redis.conf. With Sentinel the others are asked who leads; where nobody
# knows, the first pod leads and the others follow it.
set -eu

domain=${REDIS_DOMAIN:-redis-nodes}
replicas=${REDIS_REPLICAS:-1}
port=${REDIS_PORT_NUMBER:-6379}
sentinel_port=${SENTINEL_PORT_NUMBER:-26379}
me="$HOSTNAME.$domain"
folder=${REDIS_FOLDER:-/tmp}
settings=${REDIS_SETTINGS:-/etc/aiops/redis}
server=$(command -v valkey-server || command -v redis-server)
client=$(command -v valkey-cli || command -v redis-cli)
export REDISCLI_AUTH="$REDIS_PASSWORD"

leader() { # who leads, as a Sentinel that knows says
  number=0
  while [ "$number" -lt "$replicas" ]; do
    found=$(timeout 3 "$client" -h "redis-$number.$domain" -p "$sentinel_port" --raw sentinel get-master-addr-by-name aiops 2>/dev/null | head -n 1) || found=
    case $found in
    '' | ERR* | NOAUTH* | Could*) ;;
    *)
      echo "$found"
      return
      ;;
    esac
    number=$((number + 1))
  done
}

umask 077
own_address() { # all, unless it is told which
  [ -z "${REDIS_ADDRESS:-}" ] || echo "bind $REDIS_ADDRESS"
}

case ${1:-server} in
server)
  {
    cat "$settings/redis.conf"
    own_address
    echo "port $port"
    echo "requirepass \"$REDIS_PASSWORD\""
    echo "masterauth \"$REDIS_PASSWORD\""
    if [ "$replicas" -gt 1 ]; then
      leads=$(leader)
      [ -n "$leads" ] || leads="redis-0.$domain"
      echo "replica-announce-ip $me"
      echo "replica-announce-port $port"
      [ "$leads" = "$me" ] || echo "replicaof $leads $port"
    fi
  } >"$folder/redis.conf"
  exec "$server" "$folder/redis.conf"
  ;;
sentinel)
  leads=$(leader)
  [ -n "$leads" ] || leads="redis-0.$domain"
  {
    own_address
    echo "port $sentinel_port"
    echo "dir $folder"
    echo "requirepass \"$REDIS_PASSWORD\""
    echo "sentinel sentinel-pass \"$REDIS_PASSWORD\""
    echo "sentinel resolve-hostnames yes"
    echo "sentinel announce-hostnames yes"
    echo "sentinel announce-ip $me"
    echo "sentinel monitor aiops $leads $port $((replicas / 2 + 1))"
    echo "sentinel auth-pass aiops \"$REDIS_PASSWORD\""
    echo "sentinel down-after-milliseconds aiops 5000"
    echo "sentinel failover-timeout aiops 30000"
    echo "sentinel parallel-syncs aiops 1"
  } >"$folder/sentinel.conf"
  # A name that does not resolve yet would end it.
  until getent hosts "$leads" >/dev/null 2>&1; do sleep 1; done
  exec "$server" "$folder/sentinel.conf" --sentinel
  ;;
esac
