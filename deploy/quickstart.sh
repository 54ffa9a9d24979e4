#!/usr/bin/env bash
# The README's main job, step by step, as a newcomer would type it: start, look at
# a customer, import a file, look again, stop. CI runs it; it ends by itself.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(mktemp -d "${TMPDIR:-/tmp}/lingkar-quickstart-XXXXXX")
chmod 0711 "$data"
bin="$data.bin"
go build -o "$bin" ./services/lingkar
export LINGKAR_DATA_DIR="$data/suite"
"$bin" up --demo --http 127.0.0.1:0 --grpc 127.0.0.1:0 --output json >"$data.ready" 2>"$data.log" &
pid=$!
finish() {
  kill -INT "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  rm -rf "$data" "$data.bin" "$data.ready" "$data.log"
}
trap finish EXIT
for _ in $(seq 1 600); do
  [ -s "$data.ready" ] && break
  kill -0 "$pid" 2>/dev/null || { echo "up ended early:"; cat "$data.log"; exit 1; }
  sleep 0.2
done
[ -s "$data.ready" ] || { echo "up was not ready in two minutes"; exit 1; }
http=$(sed -E 's/.*"http":"([^"]+)".*/\1/' "$data.ready")
token=$(sed -E 's/.*"token":"([^"]+)".*/\1/' "$data.ready")

echo "--- one customer, from the Customer ID alone"
"$bin" 360 C-000001
view=$(curl -fsS -H "Authorization: Bearer $token" "$http/v1/customers/C-000001:view")
printf '%.300s …\n' "$view"

echo "--- a file of contacts, first as a trial, then for real"
"$bin" import contacts deploy/examples/contacts.csv --dry-run
counts=$("$bin" import contacts deploy/examples/contacts.csv --output json | tail -n 1)
echo "$counts"
printf '%s' "$counts" | grep -q '"created":5' || { echo "want 5 created"; exit 1; }
counts=$("$bin" import contacts deploy/examples/contacts.csv --output json | tail -n 1)
printf '%s' "$counts" | grep -q '"created":0' || { echo "a second import must create nothing: $counts"; exit 1; }

echo "--- what is wrong? nothing"
"$bin" doctor
echo "quickstart: all steps passed"
