#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# crl-agent with a real nginx that has canned files, a pass at a time; as it
# stays: crl-agent-loop.bats; with step-ca and lighttpd: e2e-crl.bats.

load helper
load servers
load crlagent

@test "crl-agent keeps the contract of all commands" {
	run -0 contract crl-agent
}

@test "crl-agent -1 publishes DER, PEM and health, for everybody to read" {
	offer number=0A revoke="$CA/a.example.pem"
	serve
	run -0 --separate-stderr "${agent[@]}" -1
	[ -z "$output" ]
	published
	[ "$(stat -c '%a %n' www/crl www/crl/* www/health)" = '755 www/crl
644 www/crl/ca.crl
644 www/crl/ca.pem
644 www/health' ]
	[ "$(ls -A www)" = $'.lock\ncrl\nhealth' ]
	[ "$(jq -r '"\(.event) \(.level) \(.service) \(.number) \(.entries) " +
	    "\(.changed) \(.issuer)"' <<<"$stderr")" = \
	    'crl.fetched info crl-agent 10 1 true CN=Test Intermediate' ]
	[ "$(jq -r .url <<<"$stderr")" = "$WEB/ca.crl" ]
	[ "$(jq -c '[.status, .next_update]' www/health)" = \
	    "[\"ok\",$(jq .next_update <<<"$stderr")]" ]
}

@test "crl-agent -1 leaves a list alone that it has already" {
	offer
	serve
	once 0
	before=$(stat -c '%i %y' www/crl/*)
	once 0
	[ "$(stat -c '%i %y' www/crl/*)" = "$before" ]
	[ "$(jq -c '[.event, .changed]' log)" = '["crl.fetched",false]' ]
}

@test "crl-agent -1 says 75 and keeps what is good without the server" {
	offer
	serve
	once 0
	stop_bg
	once 75
	published
	[[ $(events) == 'crl.unreachable: Failed to connect'* ]]
	# what it needs for that is in the list
	rm www/health
	once 75
	published
}

@test "crl-agent -1 with nothing to publish has no health" {
	serve
	once 75
	[ "$(events)" = $'crl.unreachable: HTTP status 404\ncrl.stale' ]
	[ -z "$(ls www/crl)" ]
	[ ! -e www/health ]
}

@test "crl-agent -1 keeps what is good when the server has worse" {
	offer number=05
	cp offered.pem good.pem
	serve
	once 0
	offer number=04
	once 2
	[[ $(events) == 'crl.invalid: www/crl/ca.crl: number 5 of '*' is newer than number 4 of '* ]]
	published good.pem
	make_crl "$CA" root new.crl number=06
	mv new.crl.der canned/ca.crl
	once 2
	[[ $(events) == 'crl.invalid: CRL refused: no_signer'* ]]
	published good.pem
	echo '<html>' >canned/ca.crl
	once 2
	published good.pem
}

@test "crl-agent -1 takes health away from a stale list" {
	offer number=01 to='10 minutes'
	serve
	once 0
	published
	# as time went by
	make_crl "$CA" int old.crl from='2 hours ago' to='1 minute ago'
	cp old.crl www/crl/ca.pem
	cp old.crl.der www/crl/ca.crl
	cp old.crl.der canned/ca.crl
	once 75
	[ ! -e www/health ]
	[[ $(events) == 'crl.unreachable: CRL refused: stale ('*$'\ncrl.stale' ]]
	cmp old.crl www/crl/ca.pem
	# and healed
	offer number=02
	once 0
	published
}

@test "crl-agent -1 heals what is damaged, or was left half done" {
	offer
	serve
	once 0
	rm www/crl/ca.pem
	once 0
	published
	echo junk >www/crl/ca.pem
	echo junk >www/crl/ca.crl
	once 0
	published
	[[ $(events) == 'crl.replaced: www/crl/ca.crl: of no use'*$'\ncrl.fetched' ]]
}

@test "crl-agent -1 that cannot write says so" {
	offer
	serve
	mkdir -p www/crl/ca.pem
	once 2
	[[ $(events) == $'crl.fetched\ncrl.unpublished: www/crl/ca.pem: '* ]]
	rmdir www/crl/ca.pem
	rm www/health
	mkdir www/health
	once 2
	[[ $(events) == *'crl.unpublished: www/health: '* ]]
	run -2 --separate-stderr "${agent[@]}" -1 -w /proc
	[ "$stderr" = 'crl-agent: /proc/.lock: cannot be written' ]
}

@test "crl-agent -O writes a bundle of all lists and calls the hook" {
	offer number=05
	serve
	others -H "$PWD/hook * a  b"
	once 0
	cmp out.pem <(cat offered.pem root.crl)
	[ "$(stat -c %a out.pem)" = 644 ]
	[ "$(<hook.log)" = "*|a|b|crl|$PWD/out.pem|5|" ]
	[ "$(events)" = $'crl.fetched\ncrl.fetched\nreload.ok' ]
	[ "$(jq -r '.file // empty' log | tr '\n' ' ')" = \
	    "root.crl $PWD/out.pem " ]
	[ "$(ls -A www)" = $'.lock\ncrl\nhealth\nothers' ]
	published
	before=$(stat -c '%i %y' out.pem)
	once 0
	[ "$(stat -c '%i %y' out.pem)" = "$before" ]
	[ "$(wc -l <hook.log)" -eq 1 ]
	# damaged from outside
	echo junk >out.pem
	once 0
	cmp out.pem <(cat offered.pem root.crl)
	[ "$(wc -l <hook.log)" -eq 2 ]
}

@test "crl-agent -R takes nothing that is bad or older, and keeps the last" {
	offer
	serve
	others
	once 0
	cp out.pem before
	cp root.crl good.crl
	echo junk >root.crl
	once 2
	[[ $(events) == *'crl.invalid: '* ]]
	make_crl "$CA" root root.crl number=20
	once 2
	[[ $(events) == *'crl.invalid: www/others/1.crl: number 33 of '* ]]
	rm root.crl
	once 2
	[[ $(events) == *'crl.invalid: No such file or directory'* ]]
	cmp out.pem before
	# none at all: no bundle
	rm -r www/others out.pem
	once 2
	[[ $(events) == *$'\ncrl.stale' ]]
	[ ! -e out.pem ]
	published
	mv good.crl root.crl
	once 0
	cmp out.pem before
}

@test "crl-agent -g makes the bundle one group's" {
	[ "$(id -u)" -eq 0 ] || skip 'only root has all groups'
	offer
	serve
	others -g daemon
	once 0
	[ "$(stat -c '%a %G' out.pem www/crl/ca.pem | tr '\n' ' ')" = \
	    "640 daemon 644 $(id -gn) " ]
	others -g nosuchgroup
	rm out.pem
	once 2
	[[ $(events) == *'crl.unpublished: -g nosuchgroup: no such group' ]]
}

@test "crl-agent takes from the environment what no option says" {
	offer number=05
	serve
	others
	cp root.crl second.crl
	agent=(env -u PWD "CRL_URL=$WEB/ca.crl" CERT_ROOT=issuers.pem
	    CRL_DIR=www CRL_BUNDLE=out.pem 'CRL_OTHERS= root.crl  second.crl '
	    "RELOAD_HOOK=$PWD/hook x" CRL_GROUP=0 LOG_LEVEL=warn crl-agent)
	once 0
	[ -z "$(<log)" ]
	cmp out.pem <(cat offered.pem root.crl root.crl)
	[ "$(stat -c '%a %g' out.pem)" = '640 0' ]
	[ "$(<hook.log)" = "x|crl|$PWD/out.pem|5|" ]
	rm out.pem
	run -0 "${agent[@]}" -1 -O other.pem -R root.crl
	cmp other.pem <(cat offered.pem root.crl)
	local word
	for word in CHECK_INTERVAL_SECONDS=0 CRL_TIMEOUT_SECONDS=x \
	    RELOAD_TIMEOUT_SECONDS=3601 CRL_WARN_PERCENT=100; do
		run -2 --separate-stderr env "$word" "${agent[@]}" -1
		[[ $stderr == "crl-agent: ${word%=*} ${word#*=}: not a whole\
 number between "* ]]
	done
	run -2 --separate-stderr "${agent[@]}" -1 -H ./hook
	[ "$stderr" = 'crl-agent: ./hook: not an absolute path nor the name of a hook' ]
	run -2 --separate-stderr "${agent[@]}" -1 -H no-such-hook
	[[ $stderr == *'/hooks/no-such-hook: no program to run' ]]
	run -2 --separate-stderr crl-agent -B issuers.pem -u "$WEB" -w www -g 0
	[ "$stderr" = 'crl-agent: -O: missing; -R and -g want it' ]
}

@test "crl-agent warns in time of the end of each list" {
	offer from='3 hours ago' to='50 minutes'
	serve
	others
	once 0
	[[ $(events) == *'crl.expiring'* ]]
	[ "$(jq -r 'select(.event == "crl.expiring") | .url, .level' log)" = \
	    "$WEB/ca.crl"$'\nwarn' ]
	left=$(jq 'select(.event == "crl.expiring").seconds_left' log)
	[ "$left" -gt 2900 ]
	[ "$left" -le 3000 ]
	agent=(env CRL_WARN_PERCENT=20 "${agent[@]}")
	once 0
	[[ $(events) != *'crl.expiring'* ]]
	make_crl "$CA" root root.crl number=22 from='30 minutes ago' \
	    to='5 minutes'
	once 0
	[ "$(jq -r 'select(.event == "crl.expiring").file' log)" = root.crl ]
}

@test "crl-agent ends a hook that hangs, and calls it again" {
	offer
	serve
	others -H "$PWD/hook"
	agent=(env RELOAD_TIMEOUT_SECONDS=1 "${agent[@]}")
	: >hang
	once 75
	[[ $(events) == *'reload.failed: no end after 1 seconds' ]]
	run -1 pgrep -f 'sleep 7341'
	rm hang
	once 0
	[[ $(events) == *$'\nreload.ok' ]]
	[ "$(uniq hook.log | wc -l)" -eq 1 ]
}

@test "crl-agent refuses values out of range" {
	for value in 0 01 86401 999999 -1 x ''; do
		for opt in -i -m; do
			run -2 --separate-stderr "${agent[@]}" -u http://a/ \
			    "$opt" "$value"
			[ "$stderr" = "crl-agent: $opt $value:\
 not a whole number between 1 and 86400" ]
		done
	done
}
