# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154	# lines: of run
# Commands with a fault at each call that changes a file, see fault/sweep and
# fault/killat.c.
#
#   make_killat     in setup_file: $KILLAT
#   fault_setup     in setup: sweep and killat are in PATH, the directory is empty
#   script NAME     from stdin; what each check begins with is put in front
#   swept N SWEEP-ARGUMENT ...
#                   no point is broken, and there are N or more

killat_runs() {
	[ "$(uname -sm)" = 'Linux x86_64' ]
}

make_killat() {
	killat_runs || return 0
	export KILLAT=$BATS_FILE_TMPDIR/killat
	"${CC:-cc}" -D_GNU_SOURCE -std=c11 -O1 -Wall -Wextra -Werror \
	    -o "$KILLAT" "$ECA_ROOT/test/fault/killat.c" \
	    "$ECA_ROOT/test/fault/calls.c"
}

fault_setup() {
	killat_runs || skip 'killat knows Linux x86-64'
	PATH=$BATS_FILE_TMPDIR:$ECA_ROOT/test/fault:$PATH
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	TMPDIR=$BATS_TEST_TMPDIR
	export ASAN_OPTIONS TMPDIR
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return
}

script() {
	{
		cat <<-'END'
		# status 2 is an error that was reported in one line, 0 success
		died() { [ "$phase" = fault ] && [ "$status" -eq 120 ]; }
		failed() {
			[ "$phase" = fault ] && [ "$status" -eq 2 ] &&
			    [ "$(grep -vc '^killat: ' "$said")" -eq 1 ] &&
			    grep -q "^$tool: " "$said"
		}
		worked() { [ "$status" -eq 0 ]; }
		unsynced() { grep -q 'in place.* could not be synced' "$said"; }
		holds() {
			ls -A
			[ "$(ls -A)" = "$(printf '%s\n' "$@")" ]
		}
		phase=${1-} status=${2-} said=${3-}
		END
		cat
	} >"$1"
}

swept() {
	run -0 sweep "${@:2}"
	[[ ${lines[-1]} =~ ^'points tried: '([0-9]+)', broken: 0'$ ]]
	[ "${BASH_REMATCH[1]}" -ge "$1" ]
}
