#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What test/e2e-acme-matrix.bats tries a part of: every kind of pebble, and
# orders in number where the chance of a failure is small.

load helper
load servers
load matrix

setup_file() {
	start_dns
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_bg
	end_server pebble
	# whatever happened, no challenge file stays
	[ -z "$(find . -path '*/acme-challenge/*')" ]
}

@test "acme-order: 6.5 issues 64 of 64 when pebble refuses 90 % of the nonces" {
	pebble_of PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=90 \
	    PEBBLE_AUTHZREUSE=0 -strict
	issue 1 64 1
	[ "$(refused 1 64)" -ge $((5 * $(accepted 1 64))) ]
}

@test "acme-order: 6.5 issues 200 of 200 when pebble refuses 50 % of the nonces" {
	pebble_of PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=50 \
	    PEBBLE_AUTHZREUSE=0
	issue 1 200 1
	[ "$(refused 1 200)" -ge $(($(accepted 1 200) / 2)) ]
}

# every REJECT: -strict or not, with every reuse and every length of the chain.
every() {
	local flag reuse length
	for flag in lax strict; do
		for reuse in 0 50 100; do
			for length in 1 2 3; do
				row "$1" "$flag" "$reuse" "$length"
			done
		done
	done
}

@test "acme-order: 6.5 no nonce refused, at every kind of pebble" {
	every 0
}

@test "acme-order: 6.5 half of the nonces refused, at every kind of pebble" {
	every 50
}

@test "acme-order: 6.5 nine of ten nonces refused, at every kind of pebble" {
	every 90
}
