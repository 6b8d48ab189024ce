# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154	# output and stderr: of run
# What the tests of crl-agent have in common; for bats files that load helper
# and servers.

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir www canned
	agent=(crl-agent -B "$CA/int.pem" -w www)
}

teardown() {
	stop_bg
}

# offer [make_crl words]: what the server has from now on.
offer() {
	make_crl "$CA" int new.crl "$@"
	mv new.crl.der canned/new
	mv canned/new canned/ca.crl
	mv new.crl offered.pem
}

serve() {
	web "$PWD/canned"
	agent+=(-u "$WEB/ca.crl")
}

# published [FILE]: the CRL is what was offered, or FILE, and health is there.
published() {
	cmp -s www/crl/ca.pem "${1-offered.pem}" &&
	    openssl crl -in www/crl/ca.pem -outform DER |
	    cmp - www/crl/ca.crl && [ -s www/health ]
}

# once CODE: one pass, its log in the file log.
once() {
	run -"$1" --separate-stderr "${agent[@]}" -1
	[ -z "$output" ]
	echo "$stderr" >log
}

# events: those in the log, each with its reason, if any.
events() {
	jq -rs 'map("\(.event)\(if .reason then ": " + .reason else "" end)") |
	    .[]' "${1-log}"
}

# others: a list of the root, and both issuers; a hook that notes its words.
others() {
	cat "$CA/int.pem" "$CA/root.pem" >issuers.pem
	make_crl "$CA" root root.crl number=21 to='300 days'
	cat >hook <<-'END'
	#!/bin/sh
	printf '%s|' "$@" >>hook.log
	echo >>hook.log
	[ ! -e hang ] || exec sleep 7341
	END
	chmod +x hook
	agent=(crl-agent -B issuers.pem -w www -u "$WEB/ca.crl" -R root.crl
	    -O out.pem "$@")
}
