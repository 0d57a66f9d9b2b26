#!/usr/bin/env bash
# Installs the servers that `npm run test:interop` starts. Does nothing when they are there. The tests run them on ports of their own.
set -euo pipefail
"$(dirname "$0")/install-packages.sh" 'the interop tests' haproxy libwebsockets-test-server nghttp2-proxy nginx
