#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-agent and est-agent with a fault at each call with which a pass changes
# files.

load helper
load agentkill

# every_call [OPTION ...]: of the passes of both agents.
every_call() {
	local start
	for start in first adopt renew retry; do
		kill_table acme "$start" 90 1 "$@"
		kill_table est "$start" 90 1 "$@"
	done
}

@test "the agents, killed at each call" {
	every_call
}

@test "the agents, a power cut at each call" {
	every_call -l
}

@test "the agents, each call failing" {
	local error
	for error in ENOSPC EIO EACCES; do
		every_call -e "$error"
	done
}

@test "the agents, on a disk that stays full or broken from each call on" {
	every_call -s -e ENOSPC
	every_call -s -e EIO
}
