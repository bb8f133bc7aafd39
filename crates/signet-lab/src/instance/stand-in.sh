#!/bin/sh
# Called as `signet serve --data DIR --role R --listen A --admin-listen B`.
# DIR/stand-in names the test binary, whose test of this name then answers on A.
echo "stand-in started"
[ -f "$3/stand-in" ] || { echo "no key ring" >&2; exit 1; }
exec "$(cat "$3/stand-in")" --exact instance::tests::stand_in --nocapture "$7"
