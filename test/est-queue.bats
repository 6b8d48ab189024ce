#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The server's side is the unit program estqueue-test: it asks as a server does,
# prints the key, and 0 means that a certificate was issued.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir queue
	case $ECA_BIN in
	*/san/bin) units=$ECA_ROOT/build/san/unit ;;
	*) units=$ECA_ROOT/build/plain/unit ;;
	esac
	require "$units/estqueue-test" jq openssl
	request a
}

teardown() {
	[ -z "${other-}" ] || rm -r "$other"
}

# request NAME: a CSR for NAME.example with a key of its own in NAME.csr.
request() {
	[ -f "$1.key" ] || make_key "$1.key"
	openssl req -new -key "$1.key" -subj "/CN=$1.example" \
	    -addext "subjectAltName=DNS:$1.example" -out "$1.csr"
}

# ask CODE NAME [IDENTITY]: the key into $key.
ask() {
	run "-$1" "$units/estqueue-test" queue plant "${3-token k7m2p}" 3 \
	    <"$2.csr"
	key=${output%% *}
}

@test "est-queue keeps the contract of all commands" {
	run -0 contract est-queue
}

@test "est-queue approves: the certificate is issued, once" {
	ask 75 a
	run -0 --separate-stderr est-queue -d queue approve "$key"
	[ -z "$output$stderr" ]
	ask 0 a
	[ -z "$(find queue -type f)" ]
	ask 75 a
}

@test "est-queue knows a request signed anew, and not one for other names" {
	ask 75 a
	first=$key
	openssl req -new -key a.key -subj /CN=a.example -sha384 \
	    -addext subjectAltName=DNS:a.example -out a.csr
	ask 75 a
	[ "$key" = "$first" ]
	run -0 est-queue -d queue approve "$key"
	openssl req -new -key a.key -subj /CN=a.example \
	    -addext subjectAltName=DNS:b.example -out b.csr
	ask 75 b
	[ "$key" != "$first" ]
	ask 75 a 'somebody else'
	ask 0 a
}

@test "est-queue denies with a reason, and may change its mind" {
	ask 75 a
	run -0 est-queue -d queue deny "$key" $'unknown\ndevice'
	ask 1 a
	[ "$output" = "$key unknown?device" ]
	run -0 est-queue -d queue approve "$key"
	run -0 est-queue -d queue deny "$key"
	ask 1 a
	[ "$output" = "$key " ]
	run -0 est-queue -d queue list
	[ "$(jq -c '[.state, .reason]' <<<"$output")" = '["denied",null]' ]
	run -0 est-queue -d queue approve "$key"
	ask 0 a
}

@test "est-queue shows who asks for what" {
	ask 75 a 'a "quoted" \ name'
	run -0 est-queue -d queue list
	[ "${#lines[@]}" -eq 1 ]
	time=$(jq -r .time <<<"$output")
	[ $(($(date +%s) - $(date -d "$time" +%s))) -lt 60 ]
	[ "$output" = '{"key":"'"$key"'","state":"pending","label":"plant",'\
'"identity":"a \"quoted\" \\x5c name","address":"192.0.2.1",'\
'"time":"'"$time"'"}' ]
	list=$output
	run -0 est-queue -d queue show "${key:0:8}"
	[ "$output" = "${list%\}},\"csr\":$(csr-check a.csr)}" ]
	jq -e '.csr.sans == ["a.example"]' <<<"$output"
}

@test "est-queue wants a key that is one request's" {
	ask 75 a
	for bad in "${key:0:7}" '' ../../etc/passwd "${key^^}"; do
		[ "$bad" != "$key" ] || continue
		run -2 --separate-stderr est-queue -d queue approve "$bad"
		[[ $stderr == *'not a key, or its first 8 digits at least' ]]
	done
	run -1 --separate-stderr est-queue -d queue show 00000000
	[ "$stderr" = 'est-queue: 00000000: no such request' ]
	cp "queue/pending/$key" "queue/pending/${key%?}x"
	run -0 est-queue -d queue show "$key"
	last=${key: -1}
	cp "queue/pending/$key" "queue/pending/${key%?}$(tr 0-9a-f 1-9a-f0 \
	    <<<"$last")"
	run -2 --separate-stderr est-queue -d queue deny "${key%?}"
	[[ $stderr == *': more than one request begins so' ]]
	run -0 est-queue -d queue deny "$key"
}

@test "est-queue bounds how many wait" {
	for name in b c d e; do
		request "$name"
	done
	ask 75 a
	ask 75 b
	ask 75 c
	ask 75 d
	[ "$(find queue/pending -type f | wc -l)" -eq 3 ]
	[ ! -e "queue/pending/$key" ]
	ask 75 a
	run -0 est-queue -d queue deny "$key"
	ask 75 e
	[ -e "queue/pending/$key" ]
}

@test "est-queue prunes, and the server forgets, what nobody asks about" {
	ask 75 a
	touch -d '2 hours ago' "queue/pending/$key"
	request b
	ask 75 b
	[ "$(find queue -type f)" = "queue/pending/$key" ]
	run -0 est-queue -d queue approve "$key"
	touch -d '2 hours ago' "queue/approved/$key"
	request c
	ask 75 c
	run -0 est-queue -d queue prune
	[ "$(find queue -type f | wc -l)" -eq 2 ]
	run -0 est-queue -s 3600 -d queue prune
	[ "$(find queue -type f)" = "queue/pending/$key" ]
	# An approval counts from when it was given.
	touch -d '2 hours ago' "queue/pending/$key"
	run -0 est-queue -d queue approve "$key"
	run -0 est-queue -s 3600 -d queue prune
	ask 0 c
}

@test "est-queue loses nothing when a denial cannot be written" {
	ask 75 a
	mkdir fake
	printf '#!/bin/sh\nexit 1\n' >fake/sync
	chmod +x fake/sync
	PATH=$PWD/fake:$PATH run -2 --separate-stderr \
	    est-queue -d queue deny "$key" no
	[[ $stderr == *'cannot be moved to denied' ]]
	[ -z "$output" ]
	[ "$(find queue -type f)" = "queue/pending/$key" ]
}

@test "est-queue reports a list that was lost" {
	ask 75 a
	run -2 --separate-stderr bash -c 'est-queue -d queue list >/dev/full'
	[ "$stderr" = 'est-queue: stdout: cannot write' ]
}

@test "est-queue run by root follows no link of the server's" {
	[ "$(id -u)" -eq 0 ] || skip 'only root can become somebody else'
	local file
	ask 75 a
	other=$(mktemp -d /tmp/est-queue.XXXXXX)
	chmod 711 "$other"
	cp -r queue "$other/"
	echo 'SECRET=1' >"$other/secret"
	chmod 600 "$other/secret"
	file=$other/queue/pending/${key//[0-9]/a}
	ln -s "$other/secret" "$file"
	chown -R -h nobody "$other/queue"
	run -2 est-queue -d "$other/queue" deny "${file##*/}"
	run -1 grep -r SECRET "$other/queue/denied"
	run -0 --separate-stderr est-queue -d "$other/queue" deny "$key" no
	[ -z "$output$stderr" ]
	[ "$(stat -c %U "$other/queue/denied/$key")" = nobody ]
	run -0 est-queue -d "$other/queue" approve "$key"
	[ "$(stat -c %U "$other/queue/approved/$key")" = nobody ]
}
