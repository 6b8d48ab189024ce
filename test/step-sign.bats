#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What step-sign refuses by itself; the servers are in e2e-step.bats.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	make_key key.pem
	mkcsr -k key.pem -d a.example >req.pem
	echo a.b.c >ott
}

all=(-u https://127.0.0.1:9 -A "$CA/root.pem")

@test "step-sign: keeps the contract of all commands" {
	contract step-sign
}

@test "step-sign: a good request reaches for the server" {
	run -75 --separate-stderr step-sign "${all[@]}" -U ott req.pem
	[[ $stderr == "step-sign: https://127.0.0.1:9/1.0/sign: "*connect* ]]
	run -75 step-sign "${all[@]}" -U ott <req.pem
	run -75 step-sign "${all[@]}" -U - req.pem <ott
	run -75 step-sign "${all[@]}" -U ott -b 2026-11-21T00:00:00Z \
	    -z 2026-11-22T00:00:00Z req.pem
}

@test "step-sign: refuses what is no token" {
	local text
	for text in '' a.b 'a.b.c d' $'a.b.c\na.b.c' 'a.b.!'; do
		printf %s "$text" >bad
		run -2 --separate-stderr step-sign "${all[@]}" -U bad req.pem
		[ "$stderr" = 'step-sign: bad: not a token' ] ||
		    [[ -z $text && $stderr == 'step-sign: bad: '* ]]
	done
	head -c 70000 /dev/zero | tr '\0' a >bad
	run -2 --separate-stderr step-sign "${all[@]}" -U bad req.pem
	[[ $stderr == 'step-sign: bad: '* ]]
}

@test "step-sign: refuses what is no time" {
	local opt
	for opt in -b -z; do
		run -2 --separate-stderr step-sign "${all[@]}" -U ott "$opt" 24h \
		    req.pem
		[[ $stderr == "step-sign: $opt 24h: not a time such as "* ]]
	done
}
