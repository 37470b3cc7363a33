#!/usr/bin/env bash
# What a developer runs before a push, and the very same command.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec .ci/run
