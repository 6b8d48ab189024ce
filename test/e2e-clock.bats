#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# clock-check against real CAs and web servers, also where our clock is wrong
# (libfaketime), which is what it is for.

load helper
load servers

setup_file() {
	require step jq faketime lighttpd nginx
	start_dns
	start_step_ca
	start_pebble pebble
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ca=(clock-check -A "$ROOT" -u "https://localhost:$CA_PORT")
}

teardown() {
	stop_bg
}

# skew SECONDS: so far, give or take ten, is what the last run said.
skew() {
	local s
	s=$(jq .skew_seconds <<<"$output")
	[ "$s" -ge $(($1 - 10)) ] && [ "$s" -le $(($1 + 10)) ]
}

@test "clock-check: step-ca says the time, on any page" {
	local page
	ca=(clock-check -A "$ROOT" -s 0 -u)
	for page in '' / /health /roots.pem /acme/acme/directory /1.0/crl \
	    /nothing/here; do
		run -0 --separate-stderr "${ca[@]}" \
		    "https://localhost:$CA_PORT$page"
		[ "$(jq .skew_seconds <<<"$output")" -eq 0 ]
		[ -z "$stderr" ]
	done
}

@test "clock-check: pebble, lighttpd and nginx say the time" {
	run -0 --separate-stderr clock-check -A "$PEBBLE_ROOT" -u "$PEBBLE" -s 0
	skew 0
	local port
	port=$(free_port)
	cat "$CA/a.example.key" "$CA/a.example.chain.pem" >both.pem
	cat >lighttpd.conf <<-END
	server.modules = ("mod_openssl")
	server.document-root = "$PWD"
	server.bind = "127.0.0.1"
	server.port = $port
	ssl.engine = "enable"
	ssl.pemfile = "$PWD/both.pem"
	END
	start_bg lighttpd -D -f lighttpd.conf
	wait_port "$port"
	run -0 clock-check -A "$CA/root.pem" -u "https://127.0.0.1:$port/x" -s 0
	skew 0
	port=''
	double 'return 503;'
	run -0 clock-check -A "$CA/root.pem" -u "https://127.0.0.1:$port/x" -s 0
	skew 0
}

@test "clock-check: our clock is a year ahead: the certificate of step-ca has expired by it" {
	tls-peek "localhost:$CA_PORT" >chain.pem
	run -1 cert-expiry -T "$(date -d '1 year' +%s)" -s 0 chain.pem
	run -1 --separate-stderr at '1 year' "${ca[@]}"
	skew $(($(date -d '1 year' +%s) - $(date +%s)))
	[ -z "$stderr" ]
	[[ $output == *"\"local_time\":\"$(date -u -d '1 year' +%Y-%m)"* ]]
	[[ $output == *"\"server_time\":\"$(date -u +%Y-%m)"* ]]
}

@test "clock-check: our clock is behind: the certificate of step-ca is not yet valid by it" {
	run -1 --separate-stderr at '2 days ago' "${ca[@]}"
	skew -172800
	[ -z "$stderr" ]
	# so behind that the root is not valid either
	run -1 --separate-stderr at '1971-01-01' "${ca[@]}"
	skew $((31536000 - $(date +%s)))
}

@test "clock-check: our clock says 2038 and later" {
	local year t
	for year in 2038-01-19T03:14:08 2106-02-07T06:28:16 2499-01-01; do
		t=$(date -u -d "$year" +%s)
		run -1 --separate-stderr at "$year" "${ca[@]}"
		skew $((t - $(date +%s)))
		[ -z "$stderr" ]
	done
}

@test "clock-check: our clock is minutes off" {
	run -0 at '4 minutes' "${ca[@]}"
	skew 240
	run -0 at '4 minutes ago' "${ca[@]}"
	skew -240
	run -1 at '6 minutes' "${ca[@]}"
	skew 360
	run -1 at '6 minutes ago' "${ca[@]}"
	skew -360
	run -0 at '6 minutes' "${ca[@]}" -s 400
}

@test "clock-check: with a wrong clock the server is verified all the same" {
	run -2 --separate-stderr at '1 year' clock-check -A "$CA/root.pem" \
	    -u "https://localhost:$CA_PORT"
	[ -z "$output" ]
	[[ $stderr == *'unable to get local issuer certificate' ]]
	local port=''
	double 'return 200;'
	run -1 at '1 year' clock-check -A "$CA/root.pem" \
	    -u "https://127.0.0.1:$port"
	run -2 --separate-stderr at '1 year' clock-check -A "$CA/root.pem" \
	    -u "https://localhost:$port"
	[ -z "$output" ]
	[[ $stderr == *'no alternative certificate subject name matches'* ]]
}

@test "clock-check: a clock that is wrong keeps the deadline" {
	local port
	port=$(free_port)
	start_bg perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(Listen => 9, ReuseAddr => 1,
		    LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]) or die;
		sleep 30' "$port"
	wait_port "$port"
	SECONDS=0
	run -75 --separate-stderr at '1 year' clock-check -m 1 -A "$ROOT" \
	    -u "https://127.0.0.1:$port"
	[[ $stderr == *': deadline reached' ]]
	[ "$SECONDS" -le 3 ]
}

@test "clock-check: -O goes out by the proxy of the environment" {
	require tinyproxy
	local proxy
	proxy=$(free_port)
	printf '%s\n' "Port $proxy" 'Listen 127.0.0.1' \
	    "LogFile \"$PWD/proxy.log\"" 'LogLevel Connect' \
	    "ConnectPort $CA_PORT" >proxy.conf
	start_bg tinyproxy -d -c proxy.conf
	wait_port "$proxy"
	https_proxy=http://127.0.0.1:$proxy run -0 "${ca[@]}" -O -s 0
	skew 0
	grep -q "CONNECT localhost:$CA_PORT" proxy.log
	https_proxy=http://127.0.0.1:9 run -0 "${ca[@]}"
	https_proxy=http://127.0.0.1:9 run -75 "${ca[@]}" -O
	stop_bg
	https_proxy=ftp://127.0.0.1:9 run -2 "${ca[@]}" -O
}
