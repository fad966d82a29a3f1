#!/bin/sh
# Installs the browsers that test/browser*.test.ts drive (Debian 12).
exec "$(dirname "$0")/install-packages.sh" chromium firefox-esr
