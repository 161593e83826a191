#!/bin/sh
# For clients.submit: unpacks the executable where the job runs, and becomes it.  unpack.sh skyscan.zst ARGUMENTS…
set -eu
packed=$1
shift
case $packed in
*.zst) zstd -dqc "$packed" > skyscan.unpacked ;;
*.gz) gzip -dc "$packed" > skyscan.unpacked ;;
*.xz) xz -dc "$packed" > skyscan.unpacked ;;
*) echo "unpack.sh: $packed: expected a name that ends in .zst, .gz or .xz" >&2; exit 2 ;;
# This machine's fault, another one may have room and the program.
esac || exit 6
chmod +x skyscan.unpacked
rm -f "$packed"
exec ./skyscan.unpacked "$@"
