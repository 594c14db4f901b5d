# Sourced by the shell scripts here: progress that can be seen, failures that can be understood.
# shellcheck shell=bash

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# step TEXT LOG COMMAND…: runs the command with its output in LOG, shows that time passes, and on failure the end of LOG.
step() {
	local text=$1 log=$2 start=$SECONDS next every=10 pid rc=0
	shift 2
	mkdir -p "$(dirname "$log")"
	printf '%s …' "$text"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# Ctrl-C ends the command too.
	trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
	next=$((SECONDS + every))
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		if [ "$SECONDS" -ge "$next" ]; then
			printf ' %ds' $((SECONDS - start))
			next=$((SECONDS + every))
		fi
	done
	wait "$pid" || rc=$?
	trap - INT TERM
	if [ "$rc" -eq 0 ]; then
		printf ' done (%d s)\n' $((SECONDS - start))
	else
		printf ' FAILED (exit status %d)\n' "$rc"
		printf -- '--- end of %s\n' "$log" >&2
		tail -n 20 "$log" >&2
		printf -- '---\n' >&2
	fi
	return "$rc"
}
