#!/bin/sh
# Installs the Debian packages that are named, as far as they are missing. Does nothing when all are there; quiet
# otherwise, except for errors.
set -eu

missing=""
for package in "$@"; do
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
