#!/usr/bin/env bash
# Installs the browser that `npm run test:browser` starts, and a font for its screenshots. Does nothing when they are there.
set -euo pipefail
exec "$(dirname "$0")/install-packages.sh" 'the browser tests' chromium fonts-dejavu-core
