#!/bin/sh
# Stands in for the `signet` binary in tests: instances are this crate's test binary, which lies
# beside the link this is called by, and keys are empty files.
case "$1 $2" in
"serve --data")
  # serve --data DIR --role R --listen A --admin-listen B
  echo "stand-in started"
  binary=$(dirname "$0")/binary
  [ -e "$binary" ] || { echo "no key ring" >&2; exit 1; }
  exec "$binary" --exact stand_in::tests::instance --nocapture "$7" "$3"
  ;;
"keys rotate") # --pending --data DIR
  : >"$5/keys/hmac/new.jwk"
  ;;
"keys refresh") # --data DIR
  [ -e "$4/keys/hmac/new.jwk" ] || { echo "nothing new" >&2; exit 1; }
  ;;
"keys activate") # KID --data DIR
  printf %s "$3" >"$5/active"
  ;;
*)
  echo "unknown command" >&2
  exit 2
  ;;
esac
