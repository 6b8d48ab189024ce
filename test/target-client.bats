#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper
load servers

setup_file() {
	require jq curl
	cd "$BATS_FILE_TMPDIR" || return
	export PKI=$PWD/pki
	make_ca "$PKI"
	make_cert "$PKI" client subject=/CN=client
	make_cert "$PKI" other subject=/CN=other
	make_cert "$PKI" stranger issuer=self
	export PORT
	PORT=$(free_port)
	nginx_conf <<-END
	log_format who '\$ssl_client_s_dn \$connection_requests';
	server {
		access_log requests.log who;
		listen 127.0.0.1:$PORT ssl;
		ssl_certificate $CA/a.example.chain.pem;
		ssl_certificate_key $CA/a.example.key;
		ssl_client_certificate $PKI/root.pem;
		ssl_verify_client on; ssl_verify_depth 3;
		location / { return 200 "hello\n"; }
		location /broken { return 500; }
	}
	END
	server nginx nginx -e nginx.log -p . -c nginx.conf
	wait_port "$PORT"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	: >"$BATS_FILE_TMPDIR/requests.log"
	requests=$BATS_FILE_TMPDIR/requests.log
	url=https://127.0.0.1:$PORT/
	client=(target-client -A "$CA/root.pem")
	mine=(-c "$PKI/client.chain.pem" -k "$PKI/client.key")
}

teardown() {
	stop_bg
}

@test "target-client keeps the contract of all commands" {
	run -0 contract target-client
}

@test "target-client -1 makes one request with its certificate" {
	run -0 --separate-stderr "${client[@]}" -1 "${mine[@]}" "$url"
	[ -z "$stderr" ]
	jq -e --arg url "$url" '.event == "request" and .ok and
	    .status == 200 and .url == $url and .service == "target-client" and
	    (has("reason") | not)' <<<"$output"
	[ "$(<"$requests")" = 'CN=client 1' ]
}

@test "target-client -n makes so many, each over a new connection" {
	run -0 "${client[@]}" -i 0 -n 5 "${mine[@]}" "$url"
	[ "$(jq -s 'length' <<<"$output")" -eq 5 ]
	[ "$(uniq -c "$requests" | tr -s ' ')" = ' 5 CN=client 1' ]
	SECONDS=0
	run -0 "${client[@]}" -i 2 -n 2 "${mine[@]}" "$url"
	[ "$SECONDS" -ge 2 ]
}

@test "target-client says 1 when one was not answered with 200" {
	run -1 "${client[@]}" -1 "${mine[@]}" "${url}broken"
	jq -e '(.ok | not) and .status == 500' <<<"$output"
	run -1 "${client[@]}" -1 -c "$PKI/stranger.pem" -k "$PKI/stranger.key" \
	    "$url"
	jq -e '(.ok | not) and .status == 400' <<<"$output"
	run -1 "${client[@]}" -1 "${mine[@]}" https://127.0.0.1:9/
	jq -e '(.ok | not) and .status == 0 and (.reason | length) > 0' \
	    <<<"$output"
}

@test "target-client trusts nothing but its anchors" {
	run -1 target-client -1 -A "$PKI/root.pem" "${mine[@]}" "$url"
	jq -e '(.ok | not) and .status == 0 and
	    (.reason | test("certificate"))' <<<"$output"
	[ ! -s "$requests" ]
}

@test "target-client asks nobody but an https server" {
	run -2 --separate-stderr "${client[@]}" -1 "${mine[@]}" \
	    "http://127.0.0.1:$PORT/"
	[ "$stderr" = \
	    "target-client: http://127.0.0.1:$PORT/: not an https URL" ]
	for word in -1 a 1.5 999999; do
		run -2 --separate-stderr "${client[@]}" -i "$word" \
		    "${mine[@]}" "$url"
		[ "$stderr" = "target-client: -i $word: not a whole number from 0 to 99999" ]
	done
}

@test "target-client shows the certificate that is there then" {
	mkdir one two
	cp "$PKI/client.chain.pem" one/c.pem
	cp "$PKI/client.key" one/k.pem
	cp "$PKI/other.chain.pem" two/c.pem
	cp "$PKI/other.key" two/k.pem
	ln -s one current
	start_bg "${client[@]}" -i 0 -c current/c.pem -k current/k.pem "$url"
	wait_line "$requests" CN=client
	for _ in {1..10}; do
		ln -s two new && mv -T new current
		sleep 0.1
		ln -s one new && mv -T new current
		sleep 0.1
	done
	wait_line "$requests" CN=other
	# TERM ends it, with the verdict
	kill "$bg"
	rc=0
	wait "$bg" || rc=$?
	[ "$rc" -eq 0 ]
	jq -s -e 'length > 0 and all(.[]; .ok)' "$BATS_TEST_TMPDIR/bg.0.log"
}
