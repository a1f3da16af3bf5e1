#!/bin/sh
# The main job, on the image layout in tests/fixtures/demo: no registry, no network.
set -u
refkit=target/release/refkit
layout=tests/fixtures/demo

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
