# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034,SC2154	# for the tests; of run
# Commands with memory that runs out: an allocation fails, once or from then
# on.  No crash, no hang, and either all of the output or an error.  See
# fault/starve and oom.c.  To be loaded in the place of helper.
#
# With ECA_TEST_LONG=1 every allocation is tried, otherwise a sample.  The shim
# and a sanitizer cannot both be the allocator: it is always the plain build
# that is tested.  When ECA_BIN is another one, there is little new to be seen,
# and the sample is as small as can be.

export ECA_OTHER_BIN=${ECA_OTHER_BIN-${ECA_BIN-}}
unset ECA_BIN
load helper

setup_file() {
	export OOM_SO=$BATS_FILE_TMPDIR/oom.so
	"${CC:-cc}" -D_GNU_SOURCE -std=c11 -O1 -Wall -Wextra -Werror -shared \
	    -fPIC -o "$OOM_SO" "$ECA_ROOT/test/fault/oom.c"
}

setup() {
	PATH=$ECA_ROOT/test/fault:$PATH
	TMPDIR=$BATS_TEST_TMPDIR
	export TMPDIR
	once=60 sticky=8
	[ -z "${ECA_TEST_LONG-}" ] || once=0 sticky=0
	[ "${ECA_OTHER_BIN:-$ECA_BIN}" -ef "$ECA_BIN" ] || once=6 sticky=2
	cd "$BATS_TEST_TMPDIR" || return
	export DIR=$PWD
	: >nothing
	# shellcheck disable=SC2016	# for check itself
	echo '[ "$1" = failed ] || cmp "$out" "$first"' >same
}

teardown() {
	stop_bg
}

# unbroken MIN FAILED STARVE-ARGUMENT...: of MIN allocations or more none is
# broken, and FAILED of those tried or more made the command fail.
unbroken() {
	run -0 starve "${@:3}"
	[[ ${lines[-1]} =~ ^'allocations: '([0-9]+)', tried: '[0-9]+', failed: '([0-9]+)', broken: 0'$ ]]
	[ "${BASH_REMATCH[1]}" -ge "$1" ]
	[ "${BASH_REMATCH[2]}" -ge "$2" ]
}

# starved MIN STARVE-ARGUMENT...: one failure, and then no end of them.
starved() {
	unbroken "$1" 0 -n "$once" "${@:2}"
	unbroken "$1" 1 -s -n "$sticky" "${@:2}"
}

# mkcsr: the same request but for the signature, which must be good.
csr_scripts() {
	mkkey -o key.pem
	mkkey -t Ed25519 -o ed.pem
	cat >check-csr <<-'END'
	[ "$1" = done ] || exit 0
	text() {
		openssl req -noout -verify -text -in "$1" >text 2>verify
		grep -q OK verify
		sed '/^    Signature Value:/,$d' text
	}
	text "$first" >want
	text "$out" >got
	cmp want got
	END
}
