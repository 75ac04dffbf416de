#!/usr/bin/env bash
# Everything that CI checks: tools, formatting, build, every test project. Ends with "N passed, N failed, N skipped";
# fails when a test fails or is skipped. Extra arguments go to every `dotnet test`.
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
export RESTSTREAM_REQUIRE_TOOLS=1
export RESTSTREAM_FUZZ_SECONDS="${RESTSTREAM_FUZZ_SECONDS:-30}"

# The golden data and the reference Kafka lie beside the checkout, or beside one of the folders above it.
beside() {
    local folder
    folder="$(pwd)"
    while [ "$folder" != / ]; do
        folder="$(dirname "$folder")"
        if [ -d "$folder/shared/$1" ]; then
            echo "$folder/shared/$1"
            return
        fi
    done
}
export RESTSTREAM_GOLDEN="${RESTSTREAM_GOLDEN:-$(beside golden)}"
export KAFKA_HOME="${KAFKA_HOME:-$(beside kafka)}"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing=()
need() { # package, then the test that says it is there
    local package="$1"
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
need python3-kafka /usr/bin/python3 -c 'import kafka' # Debian's, for Debian's python
need python3-snappy /usr/bin/python3 -c 'import snappy'
need python3-lz4 /usr/bin/python3 -c 'import lz4.frame'
need python3-zstandard /usr/bin/python3 -c 'import zstandard'
need kcat command -v kcat
need default-jre-headless command -v java
need chromium command -v chromium
need strace command -v strace
need gcc command -v gcc
need libzstd1 sh -c 'ldconfig -p | grep -q libzstd.so.1'
need nodejs command -v node
need npm command -v npm
need php-cli command -v php
need jq command -v jq
need curl command -v curl
if [ "${#missing[@]}" -gt 0 ]; then
    echo "Installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The data of samples/flights.
if [ ! -f artifacts/flights/node_modules/vega-datasets/data/flights-200k.json ]; then
    mkdir -p artifacts/flights
    cp samples/flights/package.json artifacts/flights/
    npm install --prefix artifacts/flights --no-audit --no-fund --silent
fi

# The client of REST Proxy v1 that the compatibility tests run.
if [ ! -d artifacts/kafka-rest/node_modules/kafka-rest ]; then
    mkdir -p artifacts/kafka-rest
    cp tests/compat/kafka-rest/package.json artifacts/kafka-rest/
    npm install --prefix artifacts/kafka-rest --no-audit --no-fund --silent
fi

dotnet build RestStream.sln -c Debug -warnaserror

results="artifacts/test-results"
rm -rf "$results"
mkdir -p "$results"

# Three suites at a time, the longest first; what they print appears when each has ended. The fault tests start, kill and restart servers one after the other, which leaves time to the rest.
faults='FullyQualifiedName~Tests.Faults.'
kills='FullyQualifiedName~Faults.KillTests.'
suite() { # name of the trx, project, further arguments
    local trx="$1" project="$2"
    shift 2
    dotnet test "tests/$project" --no-build -c Debug --results-directory "$results" --blame-hang-timeout 10m --blame-hang-dump-type none --logger "trx;LogFileName=$trx.trx" "$@"
}
layout() { # Style and analyzers are the build's, with warnings as errors; what is left is layout.
    dotnet format whitespace RestStream.sln --verify-no-changes --no-restore
}
running=()
start() {
    "$@" >"$results/${#running[@]}.txt" 2>&1 &
    running+=($!)
    # Bash counts the job that has just begun, too.
    while [ "$(jobs -rp | wc -l)" -ge 3 ]; do wait -n || true; done
}
if [ "$#" -gt 0 ]; then
    start suite RestStream.Tests RestStream.Tests "$@"
else
    start suite RestStream.Tests RestStream.Tests --filter "${faults/\~/!~}"
    start suite RestStream.Tests.Kills RestStream.Tests --filter "$kills"
    start suite RestStream.Tests.Faults RestStream.Tests --filter "$faults&${kills/\~/!~}"
fi
for project in Storage Broker Connect Connectors; do
    start suite "RestStream.$project.Tests" "RestStream.$project.Tests" "$@"
done
start layout
failed=0
for i in "${!running[@]}"; do
    wait "${running[$i]}" || failed=1
    cat "$results/$i.txt"
done

# A trx counts a skipped test in "total" but not in "executed".
passed=0 wrong=0 skipped=0
for trx in "$results"/*.trx; do
    counters="$(grep -o '<Counters [^>]*' "$trx")"
    count() { grep -o " $1=\"[0-9]*\"" <<<"$counters" | grep -o '[0-9]*'; }
    passed=$((passed + $(count passed)))
    skipped=$((skipped + $(count total) - $(count executed)))
    wrong=$((wrong + $(count executed) - $(count passed)))
done
echo "$passed passed, $wrong failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$wrong" = 0 ] && [ "$skipped" = 0 ] && [ "$passed" -gt 0 ]
