#!/bin/sh
# Installs the compilers that the guest programs of apps/ need (Debian 12). Does nothing when all are there; quiet
# otherwise, except for errors. AssemblyScript, wabt and binaryen come with `npm ci`.
set -eu

packages="clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
  rustc libstd-rust-dev-wasm32 lld-14"

missing=""
for package in $packages; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # one word a package is what is wanted
$as_root apt-get -qq update >/dev/null
$as_root apt-get -qq install -y --no-install-recommends $missing >/dev/null
