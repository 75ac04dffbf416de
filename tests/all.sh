#!/usr/bin/env bash
# Everything that CI checks: build with warnings as errors, formatting, every test project. Ends with "N passed, N failed, N skipped";
# fails when a test fails or is skipped. Extra arguments go to every `dotnet test`.
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

dotnet build RestStream.sln -c Debug -warnaserror

results="artifacts/test-results"
rm -rf "$results"
failed=0
for project in tests/*.Tests/*.csproj; do
    name="$(basename "$project" .csproj)"
    dotnet test "$project" --no-build -c Debug --results-directory "$results" --logger "trx;LogFileName=$name.trx" "$@" || failed=1
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
