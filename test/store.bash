# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154	# output and stderr: of run
# What the tests of a store, st in the current directory, have in common.
#
#   generations     how many there are
#   left_alone CODE TEXT COMMAND [ARGUMENT ...]
#                   it ends with that code and line, and nothing here has changed

generations() {
	find st/gen -mindepth 1 -maxdepth 1 -type d | wc -l
}

left_alone() {
	local before
	before=$(ls -lARni --full-time)
	run "-$1" --separate-stderr "${@:3}"
	[ -z "$output" ]
	[ "$stderr" = "$3: $2" ] || { echo "$stderr" >&2; return 1; }
	[ "$(ls -lARni --full-time)" = "$before" ]
}
