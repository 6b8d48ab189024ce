#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tls-peek against openssl s_server and against servers that misbehave.

load helper

setup_file() {
	export CERTS=$BATS_FILE_TMPDIR
	mkdir "$CERTS/db"
	cp "$CA"/{root,int}.{key,pem} "$CERTS"
	make_cert "$CERTS" old san=DNS:a.example from=2020-01-01 to=2020-02-01
	make_cert "$CERTS" cnonly subject=/CN=a.example
	make_cert "$CERTS" wild 'san=DNS:*.a.example,DNS:w*.b.example'
	make_cert "$CERTS" client san=DNS:client.example
}

setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() { stop_bg; }

# serve CERT [OPTIONS]: CERT.chain.pem, as it stands, on 127.0.0.1:$port.
serve() {
	local cert=$1
	port=$(free_port)
	head -n "$(grep -n -m 1 END "$cert.chain.pem" | cut -d: -f1)" \
	    "$cert.chain.pem" >leaf.pem
	start_bg openssl s_server -accept "127.0.0.1:$port" -www \
	    -cert leaf.pem -key "$cert.key" -cert_chain "$cert.chain.pem" \
	    -no_ign_eof "${@:2}"
	wait_port "$port"
}

# says CODE LINE ARGS...: exit CODE with that one line, nothing on stdout.
says() {
	run "-$1" --separate-stderr tls-peek "${@:3}"
	[ -z "$output" ]
	[ "$stderr" = "tls-peek: $2" ] || { echo "$stderr"; return 1; }
}

@test "tls-peek: keeps the contract of all commands" {
	contract tls-peek
}
