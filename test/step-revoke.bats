#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What step-revoke refuses by itself; the servers are in e2e-step.bats.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	echo a.b.c >ott
	make_key key.pem
}

all=(-u https://127.0.0.1:9 -A "$CA/root.pem")

@test "step-revoke: keeps the contract of all commands" {
	contract step-revoke
}

@test "step-revoke: a good request reaches for the server" {
	run -75 --separate-stderr step-revoke "${all[@]}" -U ott -I 0x2A
	[[ $stderr == "step-revoke: https://127.0.0.1:9/1.0/revoke: "*connect* ]]
	run -75 step-revoke "${all[@]}" -U ott <"$CA/a.example.pem"
	run -75 step-revoke "${all[@]}" -U - "$CA/a.example.pem" <ott
	run -75 step-revoke "${all[@]}" -c "$CA/a.example.chain.pem" \
	    -k "$CA/a.example.key" -G superseded
}

@test "step-revoke: refuses a serial, a reason, a key that is none" {
	run -2 --separate-stderr step-revoke "${all[@]}" -U ott -I 1x
	[ "$stderr" = 'step-revoke: 1x: not a serial number' ]
	run -2 --separate-stderr step-revoke "${all[@]}" -U ott -I 1 -G 7
	[[ $stderr == 'step-revoke: -G 7: not a reason of RFC 5280'* ]]
	run -2 --separate-stderr step-revoke "${all[@]}" \
	    -c "$CA/a.example.pem" -k key.pem
	[ "$stderr" = "step-revoke: key.pem: not the key of $CA/a.example.pem" ]
}
