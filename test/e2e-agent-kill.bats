#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-agent and est-agent with a fault at some of the calls with which a pass
# changes files: all processes killed, a power cut, errors of the disk.  All
# calls are in long-agent-kill.bats.

load helper
load agentkill

@test "acme-agent killed in a renewal: no broken pair, the next pass heals" {
	kill_table acme renew 230 23
}

@test "est-agent killed in a renewal: no broken pair, the next pass heals" {
	kill_table est renew 170 23
}

@test "the agents killed in a first enrollment: nothing or a good pair" {
	kill_table acme first 180 41
	kill_table est first 180 41
}

@test "acme-agent killed when it takes over files: they are always there" {
	kill_table acme adopt 110 29
}

@test "acme-agent killed when it tries again what was rolled back" {
	kill_table acme retry 90 29
}

@test "the agents in a power cut: no broken pair, the next pass heals" {
	kill_table acme renew 230 37 -l
	kill_table est renew 170 43 -l
}

@test "the agents on a disk that fails: no broken pair, the next pass heals" {
	kill_table acme renew 230 53 -e EIO
	kill_table est renew 170 53 -e EACCES
	kill_table acme renew 230 61 -s -e ENOSPC
}
