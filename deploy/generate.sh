#!/usr/bin/env bash
# Regenerates everything under proto/gen from the .proto files, without network
# once the tools are installed.
# The generators are pinned in deploy/tools and installed into ./bin when absent.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
exec 9>bin/.generate.lock
flock 9
export GOBIN="$PWD/bin" PATH="$PWD/bin:$PATH"
[ -x bin/buf ] || GOWORK=off go -C deploy/tools/buf install tool
[ -x bin/protoc-gen-openapiv3 ] || GOWORK=off go -C deploy/tools/proto install tool
buf generate
go run ./proto/openapi -in bin/openapi -proto proto/lingkar -out proto/gen/openapi/lingkar.json

# The types for TypeScript follow the OpenAPI document. Node is needed for them
# alone: without it they stay as they are, and CI notices.
types=proto/gen/ts/lingkar.d.ts
if ! command -v npm >/dev/null; then
  echo "generate: npm is missing, $types was not refreshed" >&2
  exit 0
fi
[ -d deploy/tools/ts/node_modules ] || npm --prefix deploy/tools/ts ci --no-audit --no-fund --silent
if [ proto/gen/openapi/lingkar.json -nt "$types" ]; then
  npm --prefix deploy/tools/ts run --silent types
fi
