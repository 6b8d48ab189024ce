#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order -O: out by the proxy of the environment, a real one (tinyproxy),
# and only when asked; and the reason in the last event, for each way to fail.

load helper
load servers

setup_file() {
	start_dns
	start_step_ca
	mkkey -o "$BATS_FILE_TMPDIR/account.pem"
	mkkey -o "$BATS_FILE_TMPDIR/key.pem"
	mkcsr -k "$BATS_FILE_TMPDIR/key.pem" -d a.example \
	    >"$BATS_FILE_TMPDIR/req.pem"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir web
}

teardown() {
	stop_bg
}

# order [options]: of req.pem from step-ca, answered by itself.
order() {
	acme-order -u "$ACME" -A "$ROOT" -a "$BATS_FILE_TMPDIR/account.pem" \
	    -l "127.0.0.1:$HTTP_PORT" -e events.json "$@" \
	    "$BATS_FILE_TMPDIR/req.pem"
}

# proxy: tinyproxy on $proxy.
proxy() {
	require tinyproxy
	proxy=$(free_port)
	cat >proxy.conf <<-END
	Port $proxy
	Listen 127.0.0.1
	LogFile "$PWD/proxy.log"
	LogLevel Connect
	Allow 127.0.0.1
	END
	start_bg tinyproxy -d -c proxy.conf
	wait_port "$proxy"
}

# ask_double [options]: of a server of canned answers.
ask_double() {
	acme-order -u "https://127.0.0.1:$port/dir" -A "$CA/root.pem" \
	    -a "$BATS_FILE_TMPDIR/account.pem" -w web -e events.json "$@" \
	    "$BATS_FILE_TMPDIR/req.pem"
}

# ended EXIT REASON: that is what the last event says.
ended() {
	jq -se ".[-1] | .event == \"end\" and .exit == $1 and
	    .reason == $2" events.json
}

@test "acme-order: -O goes out by the proxy of the environment" {
	proxy
	https_proxy=http://127.0.0.1:$proxy order -O >chain.pem
	cert-verify -B "$ROOT" -n a.example chain.pem
	[ "$(grep -c "CONNECT [a-z0-9.]*:$CA_PORT" proxy.log)" -eq 1 ]
	# the other names and forms of the variable, and the other commands
	HTTPS_PROXY=127.0.0.1:$proxy acme-account -O -u "$ACME" -A "$ROOT" \
	    -a "$BATS_FILE_TMPDIR/account.pem" show
	all_proxy=http://127.0.0.1:$proxy/ acme-revoke -O -u "$ACME" \
	    -A "$ROOT" -a "$BATS_FILE_TMPDIR/account.pem" chain.pem
	ALL_PROXY=http://127.0.0.1:$proxy acme-renewal-info -O -u "$ACME" \
	    -A "$ROOT" chain.pem
	[ "$(grep -c "CONNECT [a-z0-9.]*:$CA_PORT" proxy.log)" -eq 4 ]
}

@test "acme-order: no proxy without -O, for hosts in no_proxy, or when none is set" {
	local dead
	dead=http://127.0.0.1:$(free_port)
	https_proxy=$dead all_proxy=$dead order >chain.pem
	https_proxy=$dead no_proxy=localhost order -O >chain.pem
	order -O >chain.pem
	run -75 --separate-stderr env "https_proxy=$dead" acme-order -O \
	    -u "$ACME" -A "$ROOT" -a "$BATS_FILE_TMPDIR/account.pem" -w web \
	    -e events.json "$BATS_FILE_TMPDIR/req.pem"
	ended 75 '"network"'
}

@test "acme-order: -O and a proxy that is none is an error" {
	local p
	for p in ftp://127.0.0.1:1 https://127.0.0.1:1 http:// http://a:0 \
	    socks4://a 'http://a b'; do
		run -2 --separate-stderr env "https_proxy=$p" acme-order -O \
		    -u "$ACME" -A "$ROOT" -a "$BATS_FILE_TMPDIR/account.pem" \
		    -w web "$BATS_FILE_TMPDIR/req.pem"
		[ "$stderr" = "acme-order: https_proxy: not a proxy by http\
 or socks5h" ]
	done
}

@test "acme-order: -e ends with exit 0, or with the reason" {
	order >chain.pem
	ended 0 null
	run -2 --separate-stderr order -l 127.0.0.1:0
	ended 2 '"challenge"'
	run -75 --separate-stderr order -l 127.0.0.1:0 -m 2
	ended 75 '"deadline"'
	# step-ca refuses to sign beyond its claims, as a fault of its own
	run -75 --separate-stderr order -z 2099-01-01T00:00:00Z
	ended 75 '"server"'
	run -2 --separate-stderr acme-order -u "${ACME/acme\/acme/acme/none}" \
	    -A "$ROOT" -a "$BATS_FILE_TMPDIR/account.pem" -w web \
	    -e events.json "$BATS_FILE_TMPDIR/req.pem"
	ended 2 '"refused"'
	run -75 --separate-stderr acme-order -u "https://127.0.0.1:1/d" \
	    -A "$ROOT" -a "$BATS_FILE_TMPDIR/account.pem" -w web \
	    -e events.json "$BATS_FILE_TMPDIR/req.pem"
	ended 75 '"network"'
	run -2 --separate-stderr order -A "$CA/root.pem"
	ended 2 '"other"'
}

@test "acme-order: 6.6 rate limited: the time and the link that helps" {
	double 'location / { default_type application/problem+json;
		add_header Retry-After 3600 always;
		add_header Link "<https://ca.example/limits>;rel=\"help\"" always;
		return 429 "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"slowly\"}"; }'
	run -75 --separate-stderr ask_double
	[[ ${stderr_lines[0]} == *": 429 rateLimited: slowly" ]]
	[[ ${stderr_lines[1]} == *": see https://ca.example/limits" ]]
	[[ ${stderr_lines[2]} =~ ^retry-at:\ 20[0-9-]+T[0-9:]+Z$ ]]
	ended 75 '"rate-limited"'
	[ "retry-at: $(tail -n 1 events.json | jq -r .retry_at)" = \
	    "${stderr_lines[2]}" ]
}

@test "acme-order: 7.3.3 user action required: the URLs" {
	double 'location / { default_type application/problem+json;
		add_header Link "<https://ca.example/terms>;rel=\"terms-of-service\"" always;
		return 403 "{\"type\":\"urn:ietf:params:acme:error:userActionRequired\",\"detail\":\"new terms\",\"instance\":\"https://ca.example/agree\"}"; }'
	run -2 --separate-stderr ask_double
	[[ ${stderr_lines[0]} == *": 403 userActionRequired: new terms; see\
 https://ca.example/agree" ]]
	[[ ${stderr_lines[1]} == *": see https://ca.example/terms" ]]
	ended 2 '"user-action"'
	[ "$(grep -c '"event":"request"' events.json)" -eq 1 ]
}
