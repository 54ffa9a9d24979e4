#!/usr/bin/env bash
# Regenerates everything under proto/gen from the .proto files, without network.
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
