#!/bin/sh
# Looks up what is in the image among known vulnerabilities. Serious ones for which there is a fix stop the delivery.
set -eu
cd "$(dirname "$0")/../.."
trivy sbom --quiet --severity HIGH,CRITICAL --ignore-unfixed --exit-code 1 .reports/image/sbom.json
