#!/usr/bin/env bash
# Compares the contracts with those last released, or makes them the released ones.
#
#   deploy/baseline.sh check      fails where a client of the release would break
#   deploy/baseline.sh refresh    writes proto/baseline.binpb; a part of a release,
#                                 committed on its own
#
# The release is a committed image, because CI runs on a fresh clone of main,
# where comparing with main would compare it with itself.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/bin:$PATH"
image="$(mktemp --suffix=.binpb)"
trap 'rm -f "$image"' EXIT
buf build --path proto/lingkar --exclude-source-info -o "$image"
case "${1:-}" in
  check) buf breaking "$image" --against proto/baseline.binpb ;;
  refresh) install -m 644 "$image" proto/baseline.binpb ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
