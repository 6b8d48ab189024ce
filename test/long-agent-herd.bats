#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The simulated herd of unit/herd-test.c at many more moments of an outage, and
# for years.

load helper

@test "herd: no crowd and no expiry, whenever the CA is down" {
	run -0 env ECA_TEST_LONG=1 "$ECA_ROOT/build/plain/unit/herd-test"
	[ "$(grep -c '^# lives of ' <<<"$output")" -eq 49 ]
	grep '^# lives of ' <<<"$output" >&3
}
