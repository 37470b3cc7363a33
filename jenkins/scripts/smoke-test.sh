#!/usr/bin/env bash
# Waits until URL is served by VERSION, plays a shop's day on it and has the ledger audited: smoke-test.sh URL INTERNAL_URL VERSION
# [OPTIONS OF THE DEMO], with OPERATOR_TOKEN.
set -euo pipefail
cd "$(dirname "$0")/../.."
url=$1
internal_url=$2
version=$3

served() {
  node -e '
    fetch(process.argv[1] + "/openapi.json", { signal: AbortSignal.timeout(3000) })
      .then((response) => response.json())
      .then(({ info }) => console.log(info["x-build"]), () => console.log("none"))' "$url"
}

for _ in $(seq 1 "${ATTEMPTS:-120}"); do
  now=$(served)
  if [ "$now" = "$version" ]; then exec npm run --silent demo -- --url "$url" --internal-url "$internal_url" "${@:4}"; fi
  sleep "${PAUSE_S:-5}"
done
echo "smoke-test.sh: $url is served by $now, not by $version" >&2
exit 1
