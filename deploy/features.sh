#!/usr/bin/env bash
# Writes which demands are met into README.md and docs/FEATURES.md, from a run of
# all tests.
set -euo pipefail
cd "$(dirname "$0")/.."
proof=$(mktemp -d "${TMPDIR:-/tmp}/lingkar-proof-XXXXXX")
trap 'rm -rf "$proof"' EXIT
LINGKAR_PROOF_DIR="$proof" go test -count=1 work
go run ./services/internal/features -proof "$proof"
