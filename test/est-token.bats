#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# That est-token and esttoken.c mean the same is tested with the unit program
# esttoken-test: it takes and spends tokens as a server does.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir store
	case $ECA_BIN in
	*/san/bin) units=$ECA_ROOT/build/san/unit ;;
	*) units=$ECA_ROOT/build/plain/unit ;;
	esac
	require "$units/esttoken-test" jq openssl
}

# add ARGS...: the token into $token, its id into $id.
add() {
	run -0 --separate-stderr est-token -d store add "$@"
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 1 ]
	token=$output id=${output%%-*}
}

# use CODE take|spend TOKEN LABEL
use() {
	run "-$1" "$units/esttoken-test" "$2" store "$4" <<<"$3"
}

teardown() {
	[ -z "${other-}" ] || rm -r "$other"
}

# refused MESSAGE ARGS...: nothing was made.
refused() {
	run -2 --separate-stderr est-token -d store "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "est-token: $1" ] || {
		echo "said: $stderr"
		false
	}
	[ -z "$(ls -A store)" ]
}

@test "est-token keeps the contract of all commands" {
	run -0 contract est-token
}

@test "est-token makes a token that the server takes, and spends once" {
	add
	[[ $token =~ ^([0-9a-hjkmnp-tv-z]{5}-){6}[0-9a-hjkmnp-tv-z]{5}$ ]]
	use 0 take "$token" any
	use 0 take "$(tr -d - <<<"$token" | tr "[:lower:]" "[:upper:]")" any
	use 0 spend "$token" any
	use 1 spend "$token" any
	[ "$output" = 'spent token' ]
	[ "$(ls -A store)" = "$id.spent" ]
}

@test "est-token binds a token to labels, a time, a name" {
	add -l a -l b-2 -e 2099-12-31T23:59:59Z 'Pump 7'
	use 0 spend "$token" a
	use 0 spend "$token" b-2
	use 1 spend "$token" c
	[ "$output" = 'token for another label' ]
	run -0 est-token -d store list
	[ "$output" = '{"id":"'"$id"'","label":"a b-2","name":"Pump 7",'\
'"uses":"many","expires":"2099-12-31T23:59:59Z","state":"good"}' ]
	add -1 -e 2099-12-31T23:59:59Z
	use 0 spend "$token" a
	use 1 spend "$token" a
}

@test "est-token makes tokens that expire" {
	run -0 est-token -T 1000000000 -d store add -e 2001-09-09T01:46:41Z
	use 1 take "$output" x
	[ "$output" = 'expired token' ]
	run -0 est-token -d store list
	[ "$(jq -r .state <<<"$output")" = expired ]
	run -0 est-token -T 1000000000 -d store list
	[ "$(jq -r .state <<<"$output")" = good ]
	run -0 est-token -T 1000000001 -d store list
	[ "$(jq -r .state <<<"$output")" = expired ]
}

@test "est-token keeps neither the token nor a file that others read" {
	add
	run -1 grep -rF "${token//-/}" store
	run -1 grep -rF "${token#*-}" store
	[ "$(stat -c %a "store/$id")" = 600 ]
	run -0 est-token -d store list
	[[ $output != *"$(sed -n 's/^SHA256=//p' "store/$id")"* ]]
	add
	[ "$(sort -u store/* | grep -c ^SALT=)" -eq 2 ]
}

@test "est-token lists, removes and prunes" {
	add one
	one=$id
	add two
	two=$id
	use 0 spend "$token" x
	add -e 2099-12-31T23:59:59Z three
	run -0 est-token -d store list
	[ "$(jq -r '"\(.name) \(.uses) \(.state)"' <<<"$output" | sort)" = \
'one once good
three many good
two once spent' ]
	run -0 est-token -d store prune
	[ -z "$output" ]
	[ ! -e "store/$two.spent" ]
	[ -e "store/$one" ]
	run -0 est-token -d store remove "$one"
	run -1 --separate-stderr est-token -d store remove "$one"
	[ "$stderr" = "est-token: $one: no such token" ]
	run -0 est-token -T 4102444799 -d store prune
	[ -z "$(ls -A store)" ]
	run -0 est-token -d store list
	[ -z "$output" ]
}

@test "est-token refuses what it cannot keep" {
	refused '-e tomorrow: not a time such as 2026-12-31T23:59:59Z' \
	    add -e tomorrow
	refused '-e 2027-02-30T00:00:00Z: no such date' \
	    add -e 2027-02-30T00:00:00Z
	refused '-e 2020-01-01T00:00:00Z: is over' add -e 2020-01-01T00:00:00Z
	refused '-l a b: not a label' add -l 'a b'
	refused '-l : not a label' add -l ''
	refused 'a"b: not a usable name' add 'a"b'
	refused 'a?NAME=b: not a usable name' add $'a\nNAME=b'
	refused "$(printf '%0254d' 0): longer than 253 characters" \
	    add "$(printf '%0254d' 0)"
	refused '../x: not the id of a token' remove ../x
	refused 'abcd: not the id of a token' remove abcd
}

@test "est-token leaves nothing behind when the token cannot be shown" {
	run -2 --separate-stderr bash -c 'est-token -d store add >/dev/full'
	[ "$stderr" = 'est-token: stdout: cannot write' ]
	run -2 --separate-stderr bash -c 'est-token -d store add >&-'
	[ -z "$(ls -A store)" ]
	add
	run -2 bash -c 'est-token -d store list >/dev/full'
}

@test "est-token makes no token that the disk did not take" {
	mkdir fake
	printf '#!/bin/sh\nexit 1\n' >fake/sync
	chmod +x fake/sync
	PATH=$PWD/fake:$PATH run -2 --separate-stderr est-token -d store add
	[ -z "$output" ]
	[[ $stderr == *'/store: cannot write the token' ]]
	[ -z "$(ls -A store)" ]
}

@test "est-token and the server find one of many tokens" {
	add
	for a in {100..199}; do
		tee "store/$a"{00..99} <"store/$id" >/dev/null
	done
	use 0 take "$token" x
	est-token -d store list >all
	[ "$(wc -l <all)" -ge 10000 ]
	jq -es 'all(.state == "good")' all
}

@test "est-token withdraws a token from a request that has it" {
	add
	exec 5<"store/$id"
	flock -n 5
	use 75 take "$token" x
	[ "$output" = 'token in use by another request' ]
	run -0 est-token -d store remove "$id"
	use 1 take "$token" x
	exec 5<&-
}

@test "est-token run by root works as the owner of the directory" {
	[ "$(id -u)" -eq 0 ] || skip 'only root can become somebody else'
	other=$(mktemp -d /tmp/est-token.XXXXXX)
	chown nobody "$other"
	run -0 --separate-stderr est-token -d "$other" add pump7.example
	[[ $output =~ ^[0-9a-z-]{41}$ && -z $stderr ]]
	[ "$(stat -c %U "$other/${output%%-*}")" = nobody ]
	run -0 est-token -d "$other" list
	[ "$(jq -r .name <<<"$output")" = pump7.example ]
	run -2 --separate-stderr est-token -T 1 -d "$other" add -e \
	    1970-01-01T00:00:00Z
	[ "$(find "$other" -type f | wc -l)" -eq 1 ]
}
