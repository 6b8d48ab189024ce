#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# From a new list to those who enforce it: crl-agent, its bundle, a hook, and
# the real nginx (ssl_crl) and mosquitto (crlfile). The lists come from a file
# server, so that they can be of any kind.

load helper
load servers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir www canned pki
	make_ca pki
	make_cert pki server san=IP:127.0.0.1
	make_cert pki good san=DNS:good.example
	make_cert pki bad san=DNS:bad.example
	cat pki/int.pem pki/root.pem >pki/issuers.pem
	make_crl pki root root.crl to='300 days'
	offer number=01
	web "$PWD/canned"
	# hup HOOK [WORD...] NAME FILE NUMBER: one that comes with the agent,
	# its calls in hup.log
	cat >hup <<-'END'
	#!/bin/sh
	hook=$1
	shift
	echo "$*" | awk '{ print $(NF - 2), $(NF - 1), $NF }' >>hup.log
	[ ! -e broken ] || { echo 'hup: as told' >&2; exit 3; }
	exec "$ECA_ROOT/etc/hooks/$hook" "$@"
	END
	chmod +x hup
	agent=(crl-agent -B pki/issuers.pem -u "$WEB/ca.crl" -w www
	    -R root.crl -O bundle.pem)
	"${agent[@]}" -1 2>log
}

teardown() {
	stop_bg
}

# offer [make_crl words]: what the server has from now on.
offer() {
	make_crl pki int new.crl "$@"
	mv new.crl.der canned/ca.crl
}

# look CODE: one pass, its log in the file log.
look() {
	run -"$1" --separate-stderr "${agent[@]}" -1
	echo "$stderr" | tee log
}

has() {
	jq -r '"\(.event) \(.reason // "")"' log | grep -q -e "$1"
}

reloads() {
	grep -c . hup.log 2>/dev/null || true
}

start_nginx() {
	require curl
	port=$(free_port) pid=$PWD/server/nginx.pid
	nginx_conf "$PWD/server" <<-END
	server {
		listen 127.0.0.1:$port ssl;
		ssl_certificate $PWD/pki/server.chain.pem;
		ssl_certificate_key $PWD/pki/server.key;
		ssl_client_certificate $PWD/pki/root.pem;
		ssl_verify_client on;
		ssl_verify_depth 2;
		ssl_crl $PWD/bundle.pem;
		return 200 "in\n";
	}
	END
	start_bg nginx -e nginx.log -p server -c nginx.conf
	wait_port "$port"
	wait_file "$pid"
	agent+=(-H "$PWD/hup reload-nginx $pid -p $PWD/server -c nginx.conf")
}

start_mosquitto() {
	require mosquitto mosquitto_pub
	port=$(free_port) pid=$PWD/mosquitto.pid
	cat >mosquitto.conf <<-END
	user root
	pid_file $pid
	listener $port 127.0.0.1
	allow_anonymous true
	cafile $PWD/pki/issuers.pem
	certfile $PWD/pki/server.chain.pem
	keyfile $PWD/pki/server.key
	require_certificate true
	tls_version tlsv1.3
	crlfile $PWD/bundle.pem
	END
	start_bg mosquitto -c mosquitto.conf
	wait_port "$port"
	wait_file "$pid"
	agent+=(-H "$PWD/hup reload-mosquitto $PWD/mosquitto.conf")
}

# web_lets NAME, broker_lets NAME: in with that certificate.
web_lets() {
	[ "$(curl -sS -m 5 --cacert pki/root.pem --key "pki/$1.key" \
	    --cert "pki/$1.chain.pem" "https://127.0.0.1:$port/")" = in ]
}

broker_lets() {
	timeout 5 mosquitto_pub -h 127.0.0.1 -p "$port" -q 1 -t t -m x \
	    --cafile pki/root.pem --cert "pki/$1.chain.pem" \
	    --key "pki/$1.key" 2>/dev/null
}

web_refuses() { ! web_lets "$1"; }
broker_refuses() { ! broker_lets "$1"; }

# revoked WHO: all that has to happen, and nothing more, when bad is revoked.
revoked() {
	"$1_lets" good
	"$1_lets" bad
	offer number=02 from='30 minutes ago' revoke=pki/bad.pem
	look 0
	has '^reload.ok'
	wait_for 10 "$1_refuses" bad
	wait_for 10 "$1_lets" good
	[ "$(<hup.log)" = "crl $PWD/bundle.pem 2" ]
	# the same again is no reason
	look 0
	[ "$(reloads)" -eq 1 ]
}

# unmoved WHO: what is bad, and what gets in between, changes nothing.
unmoved() {
	cp bundle.pem before
	echo '<html>' >canned/ca.crl
	look 2
	has '^crl.invalid'
	: >canned/ca.crl
	look 2
	rm canned/ca.crl
	look 75
	offer number=01 from='50 minutes ago'
	look 2
	offer number=03 from='20 minutes ago' to='1 minute ago'
	look 75
	cmp bundle.pem before
	[ "$(reloads)" -eq 1 ]
	# as logrotate does, whatever is there
	kill -HUP "$(<"$pid")"
	wait_for 10 "$1_lets" good
	"$1_refuses" bad
}

@test "crl-agent: nginx lets nobody in who is on the new list, and the others" {
	start_nginx
	revoked web
	unmoved web
}

@test "crl-agent: mosquitto lets nobody in who is on the new list, and the others" {
	start_mosquitto
	revoked broker
	unmoved broker
}

@test "crl-agent: a reload that failed is done again until it goes well" {
	start_nginx
	: >broken
	offer number=02 from='30 minutes ago' revoke=pki/bad.pem
	look 75
	has '^reload.failed as told'
	[ "$(jq -r 'select(.event == "reload.failed").code' log)" -eq 3 ]
	web_lets bad
	# also by the next one, without a new list, also without the CA
	mv canned/ca.crl away
	look 75
	[ "$(reloads)" -eq 2 ]
	mv away canned/ca.crl
	rm broken
	look 0
	has '^reload.ok'
	wait_for 10 web_refuses bad
	web_lets good
	[ "$(reloads)" -eq 3 ]
	look 0
	[ "$(reloads)" -eq 3 ]
}

@test "crl-agent: the bundle stays while one of its lists is stale" {
	start_nginx
	cp bundle.pem before
	make_crl pki root root.crl number=02 from='30 minutes ago' \
	    to='1 minute ago'
	offer number=02 from='30 minutes ago' revoke=pki/bad.pem
	look 75
	[ "$(jq -r 'select(.event == "crl.unreachable") |
	    "\(.file): \(.reason[:18])"' log)" = \
	    'root.crl: CRL refused: stale' ]
	# the one that was taken before is still good, and so is the bundle
	has '^reload.ok'
	wait_for 10 web_refuses bad
	web_lets good
	# a server on its old bundle goes on as well when all are stale
	cp bundle.pem before
	cp root.crl www/others/1.crl
	offer number=03 from='20 minutes ago'
	look 75
	has '^crl.stale'
	cmp bundle.pem before
	[ "$(reloads)" -eq 1 ]
}
