#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What acme-revoke refuses by itself; the servers are in e2e-acme-life.bats.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cp "$CA/a.example.pem" cert.pem
	make_key key.pem
}

all=(-u https://127.0.0.1:9/dir -A "$CA/root.pem")

@test "acme-revoke: keeps the contract of all commands" {
	contract acme-revoke
}

@test "acme-revoke: a good request reaches for the server" {
	run -75 --separate-stderr acme-revoke "${all[@]}" -k key.pem cert.pem
	[[ $stderr == "acme-revoke: https://127.0.0.1:9/dir: "*"connect"* ]]
	run -75 --separate-stderr acme-revoke "${all[@]}" -a key.pem <cert.pem
}

@test "acme-revoke: one of -a and -k, not both" {
	run -2 --separate-stderr acme-revoke "${all[@]}" cert.pem
	[[ $stderr == "usage: acme-revoke "* ]]
	run -2 --separate-stderr acme-revoke "${all[@]}" -a key.pem -k key.pem \
	    cert.pem
	[[ $stderr == "usage: acme-revoke "* ]]
}

@test "acme-revoke: a key that is missing is not made" {
	run -2 --separate-stderr acme-revoke "${all[@]}" -a none.pem cert.pem
	[ "$stderr" = 'acme-revoke: none.pem: No such file or directory' ]
	[ ! -e none.pem ]
}

@test "acme-revoke: 7.6 reasons by name and number, and no others" {
	local reason
	for reason in keyCompromise superseded 0 1 10; do
		run -75 acme-revoke "${all[@]}" -k key.pem -G "$reason" cert.pem
	done
	for reason in 7 11 -1 KeyCompromise ''; do
		run -2 --separate-stderr acme-revoke "${all[@]}" -k key.pem \
		    -G "$reason" cert.pem
		[[ $stderr == "acme-revoke: -G $reason: not a reason"* ]]
	done
}
