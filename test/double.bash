# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# An ACME server of canned answers, for what real servers will not do, played
# by doubles/httpsd.c (see there for the answers and their tricks).  For bats
# files that load helper.  nginx stands in for servers where HTTP/2 is meant,
# or a redirect, or any page.
#
# setup_file, setup and teardown are here, for the files that have no others.
#
#   acme_files              in setup_file: $PKI, a key and its certificate
#   acme_double             in setup, in an empty directory: starts the server
#                           with the answers of an honest one; sets base (URL)
#                           and httpsd (its process)
#   honest                  writes those answers again
#   say NAME STATUS BODY [LINE]...  an answer; its head has these lines
#   with NAME LINE...       more lines for the head of an answer, or tricks
#   once NAME LINE...       the same, but the next time only
#   bend NAME OLD NEW       the answer has NEW instead of OLD
#   ask [OPTION]...         acme-order, for a.example
#   issues [OPTION]...      it gets the certificate
#   fails CODE TEXT [OPTION]...     it does not, and says TEXT; the answers are
#                           honest again
#
# Both hold it to ten seconds, to 32 MiB (it is two processes with -w; neither
# may take more than half of that) and to an empty webroot.
#
# A NAME is a path without its first slash and with _ for the others.  Each
# request is a line of the file requests: method, path, body.

acme_files() {
	export PKI=$BATS_FILE_TMPDIR/pki
	make_ca "$PKI"
	make_key "$BATS_FILE_TMPDIR/key.pem"
	make_key "$BATS_FILE_TMPDIR/account.pem"
	make_cert "$PKI" leaf san=DNS:a.example key="$BATS_FILE_TMPDIR/key.pem"
	openssl req -new -config /dev/null -subj / \
	    -key "$BATS_FILE_TMPDIR/key.pem" -out "$BATS_FILE_TMPDIR/req.pem" \
	    -addext subjectAltName=DNS:a.example
}

acme_double() {
	require /usr/bin/time "$ECA_ROOT/build/doubles/httpsd"
	mkdir web acc says
	cp -p "$BATS_FILE_TMPDIR/account.pem" acc/
	cp "$BATS_FILE_TMPDIR/req.pem" .
	port=$(free_port)
	base=https://127.0.0.1:$port
	token='token-ABCDEFGHIJKLMNOPQRSTUV_0'
	export challenges=$PWD/web/.well-known/acme-challenge
	honest
	start_bg sh -c 'exec "$@" >requests' sh \
	    "$ECA_ROOT/build/doubles/httpsd" "$port" \
	    "$CA/a.example.chain.pem" "$CA/a.example.key" says
	export httpsd=${bg-}
	wait_port "$port"
}

setup_file() {
	acme_files
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	acme_double
}

teardown() {
	stop_bg
	# whatever happened, no challenge file stays
	[ -z "$(find web -name '*token*')" ]
}

say() {
	local nonce='Replay-Nonce: abc'
	[[ ${*:4} != *Replay-Nonce* ]] || nonce=''
	printf '%s\n' "$2" ${nonce:+"$nonce"} "${@:4}" '' >"says/$1"
	printf '%s' "$3" >>"says/$1"
}

with() {
	local text
	text=$(<"says/$1")
	printf '%s\n' "${text%%$'\n'*}" "${@:2}" "${text#*$'\n'}" >"says/$1"
}

once() {
	local text
	text=$(<"says/$1")
	with "$@"
	mv "says/$1" "says/$1.1"
	printf '%s\n' "$text" >"says/$1"
}

bend() {
	local text
	text=$(<"says/$1")
	[[ $text == *"$2"* ]]
	printf '%s\n' "${text/"$2"/"$3"}" >"says/$1"
}

honest() {
	local type='"type":"http-01","status"'
	rm -f says/*
	say dir 200 "{\"newNonce\":\"$base/nonce\",
		\"newAccount\":\"$base/account\",\"newOrder\":\"$base/new\"}"
	say nonce 200 ''
	say account 201 '{"status":"valid"}' \
	    "Location: $base/account/1"
	say new 201 "{\"status\":\"pending\",
		\"finalize\":\"$base/finalize\",
		\"authorizations\":[\"$base/authz\"]}" "Location: $base/order"
	say authz 200 "{\"status\":\"pending\",
		\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"},
		\"challenges\":[{$type:\"pending\",
		\"url\":\"$base/challenge\",\"token\":\"$token\"}]}"
	say challenge 200 "{$type:\"valid\"}"
	say order 200 '{"status":"pending"}'
	say finalize 200 \
	    "{\"status\":\"valid\",\"certificate\":\"$base/cert\"}"
	say cert 200 "$(<"$PKI/leaf.chain.pem")"
}

ask() {
	acme-order -u "$base/dir" -A "$CA/root.pem" -a acc/account.pem "$@" \
	    req.pem
}

# measured OPTION...: ask, with the peak memory of its largest process, KiB,
# in the file measured.
measured() {
	/usr/bin/time -q -o measured -f %M acme-order -u "$base/dir" \
	    -A "$CA/root.pem" -a acc/account.pem -w web "$@" req.pem
}

# What is true of every end.
bounded() {
	[ "$SECONDS" -le 10 ]
	# the sanitizer's own memory is not meant
	[[ $ECA_BIN == */san/* ]] || [ "$(<measured)" -lt 16384 ]
	[ -z "$(find web -type f)" ]
}

issues() {
	SECONDS=0
	run -0 --separate-stderr measured "$@"
	bounded
	[ "$output" = "$(<"$PKI/leaf.chain.pem")" ]
	[ -z "$stderr" ]
	rm -f acc/account.pem.accounts
	honest
}

# shellcheck disable=SC2154	# stderr_lines is set by run
fails() {
	SECONDS=0
	run "-$1" --separate-stderr measured "${@:3}"
	bounded
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "acme-order: "*"$2"* ]] || {
		printf 'wanted: %s\ngot: %s\n' "$2" "$stderr" >&2
		return 1
	}
	rm -f acc/account.pem.accounts
	honest
}
