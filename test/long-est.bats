#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What test/e2e-est.bats tries a few times, in number: est-ra under lighttpd
# with a real step-ca behind it.

load helper
load servers
load estra

setup_file() {
	start_ra
	est_conf race MAX_AT_ONCE=256
	est_conf many MAX_AT_ONCE=256 MAX_SECONDS=300 MAX_PER_MINUTE=100000
}

teardown_file() {
	end_servers
}

setup() {
	cd "$EST_DIR" || return
}

@test 'est-ra: 50 times 50 requests race with one token: one certificate' {
	local i
	for i in {1..50}; do
		echo "race $i"
		race
	done
}

# The CA is asked three ways: its answers, its log, and its database, where a
# certificate is stored under its number in decimal.
@test 'est-ra: 500 tokens at once are 500 certificates, in the CA too' {
	require bc
	crowd 500 500
	{ echo ibase=16; cat serials; } | BC_LINE_LENGTH=0 bc | sort >decimals
	jq -rR 'fromjson? | select(.path == "/1.0/sign" and .status == 201) | .serial' \
	    step-ca.log | sort >logged
	[ -z "$(comm -23 decimals logged)" ]
	end_server step-ca
	grep -aoFf decimals "$CA_DIR/db/step.db" | sort -u | cmp - decimals
	run_step_ca
}
