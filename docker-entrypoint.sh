#!/bin/sh
# Brings the database up to date under a lock (several containers may start at once), then becomes the server.
set -eu
if [ -n "${DATABASE_URL:-}" ]; then
  node migrate.js
fi
exec node server.js "$@"
