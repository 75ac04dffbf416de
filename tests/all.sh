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

# Two lanes of about the same length: the tests of Connect's REST side go with the suites that compute. What the second lane prints appears when it has ended.
connect='FullyQualifiedName~Tests.Connect.|FullyQualifiedName~Tests.Plugins.|FullyQualifiedName~ConnectKillTests'
server='FullyQualifiedName!~Tests.Connect.&FullyQualifiedName!~Tests.Plugins.&FullyQualifiedName!~ConnectKillTests'
suite() { # name of the trx, project, further arguments
    local trx="$1" project="$2"
    shift 2
    dotnet test "tests/$project" --no-build -c Debug --results-directory "$results" --blame-hang-timeout 5m --blame-hang-dump-type none --logger "trx;LogFileName=$trx.trx" "$@"
}
second_lane() {
    local failed=0 project name
    # Style and analyzers are the build's, with warnings as errors; what is left is layout.
    dotnet format whitespace RestStream.sln --verify-no-changes --no-restore || failed=1
    for project in tests/*.Tests/*.csproj; do
        name="$(basename "$project" .csproj)"
        [ "$name" = RestStream.Tests ] || suite "$name" "$name" "$@" || failed=1
    done
    [ "$#" -gt 0 ] || suite RestStream.Tests.Connect RestStream.Tests --filter "$connect" || failed=1
    return $failed
}
second_lane "$@" >"$results/second-lane.txt" 2>&1 &
lane=$!
failed=0
if [ "$#" -gt 0 ]; then
    suite RestStream.Tests RestStream.Tests "$@" || failed=1
else
    suite RestStream.Tests RestStream.Tests --filter "$server" || failed=1
fi
wait "$lane" || failed=1
cat "$results/second-lane.txt"

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
