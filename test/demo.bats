#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What demo refuses; it is played in e2e-demo.bats.

load helper

@test "demo: keeps the contract of all commands" {
	contract demo
}

@test "demo: a scenario it does not know is a usage error" {
	run -2 --separate-stderr demo nonsense
	[ "$stderr" = 'usage: demo [-k] [agent | est | server]' ]
	[ -z "$output" ]
}
