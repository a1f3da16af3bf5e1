#!/bin/sh
# The main jobs, on the image layout in tests/fixtures/demo: no registry, no network.
set -u
refkit=target/release/refkit
layout=tests/fixtures/demo
made=target/demo
rm -rf "$made"
mkdir -p "$made" || exit 1

show() {
    printf '\n$ refkit %s\n' "$*"
    "$refkit" "$@"
    status=$?
    [ "$status" = "$expected" ] && return
    echo "demo: exit code $status, not $expected" >&2
    exit 1
}

expected=0
show resolve "oci-layout:$layout:1.2.3" --platform linux/amd64 --platform linux/arm/v7 --platform linux/arm64
show inspect "oci-layout:$layout:1.2.3"
show resolve "oci-layout:$layout:1.2.3" --platform linux/arm/v8 --explain
show resolve "oci-layout:$layout:latest" --platform linux/arm64 \
    --policy target/policies/newest-tag.wasm --set 'range=^1'
echo
echo '# A policy that allows nothing but Alpine refuses this image; exit code 3.'
expected=3
show resolve "oci-layout:$layout:1.2.3" --platform linux/amd64 --explain \
    --policy target/policies/allow-list.wasm --set 'allow=docker.io/library/alpine'
echo
echo '# A copy of one platform as an archive, and an index of two images with an annotation, from there and elsewhere.'
expected=0
show copy "oci-layout:$layout:1.2.3" "$made/app.tar" --platform linux/arm64
show create "$made/app.tar:1.2.3" "oci-layout:$layout:single" -t "oci-layout:$made/new:1" \
    --annotation index:org.opencontainers.image.vendor=Example
show inspect "oci-layout:$made/new:1"
