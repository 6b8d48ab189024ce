#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tls-peek -c against servers that want a client certificate: a broker and two
# web servers, with TLS 1.2 and 1.3.

load helper
load servers

# A server of each kind, and of each protocol: $MOSQUITTO_3 is the port of the
# broker that speaks TLS 1.3 only.
setup_file() {
	require mosquitto mosquitto_pub lighttpd nginx
	export P=$BATS_FILE_TMPDIR/pki v
	make_ca "$P"
	make_cert "$P" server san=IP:127.0.0.1
	make_cert "$P" good
	make_cert "$P" revoked
	make_cert "$P" expired from=2020-01-01 to=2020-02-01
	make_cert "$P" foreign issuer=self
	make_crl "$P" int "$P/int.crl" revoke="$P/revoked.pem"
	make_crl "$P" root "$P/root.crl"
	cat "$P/int.crl" "$P/root.crl" >"$P/crls.pem"
	cat "$P/root.pem" "$P/int.pem" >"$P/cas.pem"
	cat "$P/server.key" "$P/server.chain.pem" >"$P/both.pem"
	for v in 2 3; do
		start_mosquitto
		start_lighttpd
		start_nginx
	done
}

teardown_file() {
	end_servers
}

# It has no option for the newest protocol, OpenSSL has.
start_mosquitto() {
	local port
	port=$(free_port)
	cat >"$P/mosquitto.$v" <<-END
	user root
	listener $port 127.0.0.1
	cafile $P/cas.pem
	certfile $P/server.chain.pem
	keyfile $P/server.key
	crlfile $P/crls.pem
	require_certificate true
	allow_anonymous true
	END
	cat >"$P/openssl.$v" <<-END
	openssl_conf = conf
	[conf]
	ssl_conf = ssl
	[ssl]
	system_default = tls
	[tls]
	MinProtocol = TLSv1.$v
	MaxProtocol = TLSv1.$v
	END
	server "mosquitto.$v" env OPENSSL_CONF="$P/openssl.$v" \
	    mosquitto -c "$P/mosquitto.$v"
	wait_port "$port"
	export "MOSQUITTO_$v=$port"
}

start_lighttpd() {
	local port
	port=$(free_port)
	cat >"$P/lighttpd.$v" <<-END
	server.modules = ("mod_openssl")
	server.document-root = "$P"
	server.bind = "127.0.0.1"
	server.port = $port
	ssl.engine = "enable"
	ssl.pemfile = "$P/both.pem"
	ssl.ca-file = "$P/cas.pem"
	ssl.ca-crl-file = "$P/crls.pem"
	ssl.verifyclient.activate = "enable"
	ssl.verifyclient.enforce = "enable"
	ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.$v",
	    "MaxProtocol" => "TLSv1.$v")
	END
	server "lighttpd.$v" lighttpd -D -f "$P/lighttpd.$v"
	wait_port "$port"
	export "LIGHTTPD_$v=$port"
}

start_nginx() {
	local port
	port=$(free_port)
	nginx_conf "$P/nginx.$v" <<-END
	server {
		listen 127.0.0.1:$port ssl;
		ssl_protocols TLSv1.$v;
		ssl_certificate $P/server.chain.pem;
		ssl_certificate_key $P/server.key;
		ssl_client_certificate $P/cas.pem;
		ssl_crl $P/crls.pem;
		ssl_verify_client on;
		return 204;
	}
	END
	server "nginx.$v" nginx -e nginx.log -p "$P/nginx.$v" -c nginx.conf
	wait_port "$port"
	export "NGINX_$v=$port"
}

# peek PORT NAME: as the owner of that certificate.
peek() {
	tls-peek -A "$P/root.pem" -c "$P/$2.chain.pem" -k "$P/$2.key" \
	    "127.0.0.1:$1"
}

takes() {
	run -0 --separate-stderr peek "$1" "$2"
	[ "$output" = "$(<"$P/server.chain.pem")" ]
	[ -z "$stderr" ]
}

# refuses PORT NAME ALERT
refuses() {
	run -2 --separate-stderr peek "$1" "$2"
	[ -z "$output" ]
	[ "$stderr" = \
	    "tls-peek: 127.0.0.1:$1: refused by the server: alert $3" ]
}

# tells_apart PORT
tells_apart() {
	takes "$1" good
	refuses "$1" revoked 'certificate revoked'
	refuses "$1" expired 'certificate expired'
	refuses "$1" foreign 'unknown CA'
	takes "$1" good
}

# publish PORT NAME: what a client of the broker gets.
publish() {
	timeout 5 mosquitto_pub -h 127.0.0.1 -p "$1" --cafile "$P/root.pem" \
	    --cert "$P/$2.chain.pem" --key "$P/$2.key" -t t -m m
}

@test "tls-peek: the servers of this file speak one protocol each" {
	local name
	for name in MOSQUITTO LIGHTTPD NGINX; do
		for v in 2 3; do
			local port=${name}_$v
			run -0 --separate-stderr tls-peek -v \
			    -c "$P/good.chain.pem" -k "$P/good.key" \
			    "127.0.0.1:${!port}"
			[[ $stderr == *": TLSv1.$v, "* ]]
		done
	done
}

@test "tls-peek: mosquitto takes a certificate or refuses it" {
	SECONDS=0
	tells_apart "$MOSQUITTO_2"
	tells_apart "$MOSQUITTO_3"
	[ "$SECONDS" -le 5 ]
}

@test "tls-peek: a client of mosquitto fares the same" {
	local port name rc
	for port in "$MOSQUITTO_2" "$MOSQUITTO_3"; do
		publish "$port" good
		for name in revoked expired foreign; do
			rc=0
			publish "$port" "$name" || rc=$?
			[ "$rc" -ne 0 ]
			[ "$rc" -ne 124 ]
		done
	done
}

@test "tls-peek: lighttpd takes a certificate or refuses it" {
	SECONDS=0
	tells_apart "$LIGHTTPD_2"
	tells_apart "$LIGHTTPD_3"
	[ "$SECONDS" -le 5 ]
}

@test "tls-peek: nginx takes every certificate, and refuses by HTTP" {
	local port name
	for port in "$NGINX_2" "$NGINX_3"; do
		for name in good revoked expired foreign; do
			takes "$port" "$name"
			run -0 curl -sS -o /dev/null -w '%{http_code}' \
			    --cacert "$P/root.pem" --cert "$P/$name.chain.pem" \
			    --key "$P/$name.key" "https://127.0.0.1:$port/"
			case $name in
			good) [ "$output" = 204 ] ;;
			*) [ "$output" = 400 ] ;;
			esac
		done
	done
}

@test "tls-peek: without -c a refusal is seen with TLS 1.2 only" {
	local port
	for port in "$MOSQUITTO_2" "$LIGHTTPD_2"; do
		run -2 --separate-stderr tls-peek "127.0.0.1:$port"
		[[ $stderr == *': alert handshake failure' ]]
	done
	for port in "$MOSQUITTO_3" "$LIGHTTPD_3"; do
		run -0 --separate-stderr tls-peek "127.0.0.1:$port"
		[ "$output" = "$(<"$P/server.chain.pem")" ]
	done
}
