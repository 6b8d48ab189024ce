#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the ACME commands send, as RFC 8555 and its neighbours want it: nginx
# stands before the real pebble and the real step-ca and writes down what
# passes.  The titles name the sections; test/rfc8555.map lists them all.

load helper
load servers

MAC=zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W

# A life of accounts, orders and certificates, all of it through nginx.
setup_file() {
	require nginx jq openssl step
	start_dns
	start_step_ca
	start_pebble pebble -strict PEBBLE_VA_NOSLEEP=1 \
	    PEBBLE_VA_ALWAYS_VALID=1 PEBBLE_WFE_NONCEREJECT=0 \
	    PEBBLE_AUTHZREUSE=0 "{\"externalAccountMACKeys\":
	    {\"kid-1\": \"$MAC\"}, \"certificateValidityPeriod\": 86400}"
	direct=$PEBBLE
	start_pebble nonces PEBBLE_VA_NOSLEEP=1 PEBBLE_VA_ALWAYS_VALID=1 \
	    PEBBLE_WFE_NONCEREJECT=70
	export SEEN=$BATS_FILE_TMPDIR/seen.json
	observe
	cd "$BATS_FILE_TMPDIR" || return
	mkdir web
	# not with ||, or set -e would not hold in there
	live >life.log 2>&1
	decode <raw.json >"$SEEN"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# nginx before the servers: a line of JSON in raw.json for each request.
observe() {
	local dir=$BATS_FILE_TMPDIR ca front=() n=0
	for ca in "${direct%/dir}" "${ACME%/acme/acme/directory}" \
	    "${PEBBLE%/dir}"; do
		front[n]=$(free_port)
		cat <<-END
		server {
			listen 127.0.0.1:${front[n]} ssl;
			ssl_certificate $CA/a.example.chain.pem;
			ssl_certificate_key $CA/a.example.key;
			location / {
				proxy_pass $ca;
				proxy_set_header Host \$http_host;
				proxy_redirect off;
			}
		}
		END
		n=$((n + 1))
	done >"$dir/servers.conf"
	nginx_conf "$dir" <<-END
	log_format seen escape=json '{"method":"\$request_method",'
	    '"url":"https://\$http_host\$request_uri",'
	    '"status":\$status,"agent":"\$http_user_agent",'
	    '"language":"\$http_accept_language",'
	    '"accept":"\$http_accept","type":"\$content_type",'
	    '"length":"\$content_length",'
	    '"coding":"\$http_transfer_encoding",'
	    '"sent_nonce":"\$http_replay_nonce",'
	    '"location":"\$sent_http_location",'
	    '"nonce":"\$sent_http_replay_nonce",'
	    '"body":"\$request_body"}';
	access_log raw.json seen;
	client_body_buffer_size 64k;
	client_body_in_single_buffer on;
	include servers.conf;
	END
	server nginx nginx -e nginx.log -p "$dir" -c nginx.conf
	wait_port "${front[2]}"
	export FRONT=https://127.0.0.1:${front[0]}
	export STEP=https://127.0.0.1:${front[1]}/acme/acme/directory
	export NONCES=https://127.0.0.1:${front[2]}
}

# What is sent is JSON of base64url of JSON: add protected, payload and so on.
decode() {
	jq -c 'def text: gsub("-"; "+") | gsub("_"; "/") |
	    . + ("===="[0:(4 - length % 4) % 4]) | @base64d;
	    if .method == "POST" then
		.jws = (.body | fromjson) |
		.protected = (.jws.protected | text | fromjson) |
		.text = (.jws.payload | text)
	    else . end'
}

# at COMMAND...: of the ACME commands, at pebble.
at() {
	"$1" -u "$FRONT/dir" -A "$CA/root.pem" "${@:2}"
}

live() (
	set -e
	umask 077
	echo "{\"kid\": \"kid-1\", \"mac\": \"$MAC\"}" >eab.json
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example -d b.example -d c.example >req.pem
	at acme-account -a account.pem -Y -E eab.json new mailto:a@b.example
	at acme-account -a account.pem show
	at acme-account -a account.pem update mailto:c@d.example
	at acme-order -a account.pem -w web -b 2026-11-22T00:00:00Z \
	    -z "$(date -u -d '+1 day' +%FT%TZ)" req.pem >chain.pem
	at acme-renewal-info chain.pem || [ $? -eq 1 ]
	at acme-revoke -a account.pem -G superseded chain.pem
	# names as nobody should write them
	openssl req -new -config /dev/null -subj / -key key.pem -out names.pem \
	    -addext 'subjectAltName=DNS:A.Example,DNS:a.EXAMPLE,DNS:xn--bcher-kva.example,IP:2001:DB8:0:0:0:0:0:1'
	at acme-order -a account.pem -w web -X chain.pem names.pem >twin.pem
	at acme-revoke -k key.pem twin.pem
	mkkey -t P-384 -o next.pem
	at acme-account -a account.pem -k next.pem rollover
	# an account key of each other kind
	for type in rsa2048 Ed25519; do
		mkkey -t "$type" -o "$type.pem"
		acme-account -a "$type.pem" -u "$STEP" -A "$CA/root.pem" new
	done
	# step-ca: a real challenge, an account that is there already
	mkcsr -k key.pem -d a.example >one.pem
	acme-order -u "$STEP" -A "$CA/root.pem" -a rsa2048.pem \
	    -l "127.0.0.1:$HTTP_PORT" one.pem >step.pem
	rm rsa2048.pem.accounts
	acme-account -a rsa2048.pem -u "$STEP" -A "$CA/root.pem" show
	at acme-account -a account.pem deactivate
)

# seen FILTER: what jq makes of all requests, as an array.
seen() {
	jq -s -r "$1" "$SEEN"
}

# all FILTER: every request that was signed is so; there are some.
all() {
	jq -s -e "map(select(.method == \"POST\")) | length > 30 and all($1)" \
	    "$SEEN" >/dev/null || {
		jq -c "select(.method == \"POST\" and (($1) | not)) |
		    [.url, .protected, .text]" "$SEEN" >&2
		return 1
	}
}

# sent PATTERN: the payloads that were sent to URLs like that.
sent() {
	jq -r --arg at "$1" 'select(.method == "POST" and
	    (.url | test($at))) | .text' "$SEEN"
}

@test "acme-order: 6.1 User-Agent names client and library, a language is asked" {
	run -0 seen 'map(.agent) | unique | .[]'
	[[ $output =~ ^eca/[0-9.]+\ libcurl/[0-9.]+$ ]]
	run -0 seen 'map(.language) | unique | .[]'
	[ "$output" = en ]
}

@test "acme-order: 6.2 bodies are application/jose+json of known length" {
	all '.type == "application/jose+json" and .coding == "" and
	    (.length | tonumber) == (.body | length)'
}

@test "acme-order: 6.2 RFC 7515 2 flattened JWS: three members, base64url without padding" {
	all '(.jws | keys) == ["payload", "protected", "signature"] and
	    (.jws | map(type == "string" and test("^[A-Za-z0-9_-]*$")) | all)'
}

@test "acme-order: 6.2 protected: alg, nonce, url and one of jwk and kid" {
	all '(.protected | keys | . == ["alg", "kid", "nonce", "url"] or
	    . == ["alg", "jwk", "nonce", "url"])'
	run -0 seen 'map(.protected.alg // empty) | unique | join(" ")'
	[ "$output" = 'ES256 ES384 EdDSA RS256' ]
}

@test "acme-order: 6.2 jwk for newAccount and revocation by the certificate's key only" {
	all '(.protected.jwk != null) == (.url | test("sign-me-up|new-account"))
	    or (.url | test("revoke-cert"))'
	# of two revocations one has the key of the certificate
	run -0 jq -c 'select(.url | test("revoke-cert")) |
	    .protected | has("jwk")' "$SEEN"
	[ "$output" = "false
true" ]
}

@test "acme-account: RFC 7518 6 the JWK that is sent is the one step makes" {
	local key alg
	cd "$BATS_TEST_TMPDIR" || return
	export STEPPATH=$PWD/step
	for key in account.pem rsa2048.pem Ed25519.pem; do
		alg=()
		[ "$key" != rsa2048.pem ] || alg=(--alg RS256)
		step crypto jwk create jwk.json private.json --no-password \
		    --insecure --force --from-pem "$BATS_FILE_TMPDIR/$key" \
		    "${alg[@]}"
		jq -s -e --slurpfile key jwk.json '($key[0] |
		    del(.use, .alg, .kid)) as $want |
		    map(.protected.jwk // empty) | any(. == $want)' "$SEEN"
	done
}

@test "acme-order: 6.2 kid is the account URL byte for byte" {
	run -0 jq -s -e 'map(select(.protected.jwk != null and .location != "")
	    | .location) as $accounts | map(.protected.kid // empty) | unique |
	    length == 2 and all(. as $k | $accounts | any(. == $k))' "$SEEN"
}

@test "acme-order: 6.3 reading is POST-as-GET with an empty payload" {
	# what answers with what is there already, by name
	all 'if .url | test("/(authZ|certZ|my-order|authz|certificate)/") then
	    .jws.payload == "" else true end'
	run -0 seen 'map(select(.method != "POST") | .method + " " + (.url |
	    sub("^https://[^/]*"; "") | sub("ari/.*"; "ari"))) | unique | .[]'
	[ "$output" = "GET /acme/acme/directory
GET /dir
GET /draft-ietf-acme-ari-03/renewalInfo/$(ari_id)
HEAD /acme/acme/new-nonce
HEAD /nonce-plz" ] || { echo "$output" >&2; return 1; }
}

@test "acme-order: 6.4 url is the URL that is asked, as the server wrote it" {
	all '.protected.url == .url'
}

@test "acme-order: 6.5 each nonce is used once, the last one given" {
	run -0 jq -s -e '[.[] | .protected.nonce // empty] |
	    length == (unique | length)' "$SEEN"
	run -0 jq -s -e '(map(.nonce) | unique) as $given |
	    all(.protected.nonce == null or
	    (.protected.nonce as $n | $given | bsearch($n) >= 0))' "$SEEN"
	# one HEAD for each command that signs, no more
	run -0 jq -s -e '(map(select(.method == "HEAD")) | length) + 1 ==
	    (map(select(.url | test("/dir$|/directory$"))) | length)' "$SEEN"
}

@test "acme-order: 6.5 a refused nonce: the same again with that of the refusal" {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir web
	run -0 --separate-stderr acme-order -Y -u "$NONCES/dir" \
	    -A "$CA/root.pem" -a account.pem -w web "$BATS_FILE_TMPDIR/req.pem"
	jq -c --arg at "$NONCES" 'select(.url | startswith($at))' \
	    "$BATS_FILE_TMPDIR/raw.json" | decode >seen.json
	jq -s -e '. as $all | [range(length) | select($all[.].status == 400)] |
	    length > 0 and all(. as $i | $all[$i] as $bad | $all[$i + 1] |
	    .url == $bad.url and .text == $bad.text and
	    .protected.nonce == $bad.nonce and
	    .jws.signature != $bad.jws.signature)' seen.json
	[ "$(grep -c '"method":"HEAD"' seen.json)" -eq 1 ]
}

@test "acme-order: 6.5.1 Replay-Nonce is not sent" {
	run -0 seen 'map(.sent_nonce) | unique | .[]'
	[ -z "$output" ]
}

@test "acme-account: 7.3 terms are agreed to and contacts given when asked" {
	run -0 sent /sign-me-up
	jq -s -e '.[0] | .termsOfServiceAgreed == true and
	    .contact == ["mailto:a@b.example"]' <<<"$output"
	# nobody said so at step-ca
	run -0 sent /new-account
	[ "${lines[0]} ${lines[1]}" = '{} {}' ]
}

@test "acme-account: 7.3.1 onlyReturnExisting comes alone" {
	run -0 sent /new-account
	[ "${lines[-1]}" = '{"onlyReturnExisting":true}' ]
}

@test "acme-account: 7.3.2 an update has contacts only, reading is no update" {
	run -0 sent /my-account/
	[[ $output == *'{"contact":["mailto:c@d.example"]}'* ]]
	run -1 grep -x '{}' <<<"$output"
}

@test "acme-account: 7.3.4 the external account binding" {
	local inner=$BATS_TEST_TMPDIR/inner mac
	sent /sign-me-up | head -n 1 | jq -c .externalAccountBinding >"$inner"
	jq '{method: "POST", body: tojson}' "$inner" | decode |
	    jq -e --slurpfile seen "$SEEN" '
	    ($seen | map(select(.url | test("/sign-me-up"))) | .[0]) as $outer |
	    .protected == {alg: "HS256", kid: "kid-1", url: $outer.url} and
	    (.text | fromjson) == $outer.protected.jwk'
	# the same by openssl
	mac=$(tr '_-' '/+' <<<"$MAC" | openssl base64 -d -A | od -An -tx1 |
	    tr -d ' \n')
	run -0 sh -c 'jq -j ".protected + \".\" + .payload" "$1" |
	    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$2" -binary |
	    openssl base64 -A | tr "/+" "_-" | tr -d =' sh "$inner" "$mac"
	[ "$output" = "$(jq -r .signature "$inner")" ]
}

@test "acme-account: 7.3.5 the key change, signed inside by the new key" {
	local inner
	inner=$(sent /rollover-account-key)
	run -0 sh -c 'jq -c "{method: \"POST\", body: tojson}"' <<<"$inner"
	decode <<<"$output" | jq -e --slurpfile seen "$SEEN" '
	    ($seen | map(select(.url | test("/rollover"))) | .[0]) as $outer |
	    ($seen | map(select(.url | test("/sign-me-up"))) | .[0]) as $new |
	    (.protected | keys) == ["alg", "jwk", "url"] and
	    .protected.alg == "ES384" and .protected.url == $outer.url and
	    (.text | fromjson) == {account: $outer.protected.kid,
	    oldKey: $new.protected.jwk}'
}

@test "acme-account: 7.3.6 deactivation" {
	run -0 sent /my-account/
	[ "${lines[-1]}" = '{"status":"deactivated"}' ]
}

@test "acme-order: 7.4 newOrder: names of the request, validity in RFC 3339" {
	run -0 sent /order-plz
	jq -e '.identifiers == [{type: "dns", value: "a.example"},
	    {type: "dns", value: "b.example"},
	    {type: "dns", value: "c.example"}] and
	    .notBefore == "2026-11-22T00:00:00Z" and
	    (.notAfter | test("^20[0-9-]{8}T[0-9:]{8}Z$")) and
	    (keys | length) == 3' <<<"${lines[0]}"
	run -0 sent /new-order
	[ "$output" = '{"identifiers":[{"type":"dns","value":"a.example"}]}' ]
}

@test "acme-order: 7.1.4 RFC 8738 3 names in lower case, once, addresses as RFC 5952" {
	local want='["a.example","xn--bcher-kva.example","2001:db8::1"]'
	sent /order-plz | sed -n 2p | jq -e --argjson want "$want" '
	    (.identifiers | map(.value)) == $want and
	    (.identifiers | map(.type)) == ["dns", "dns", "ip"]'
	# and so they come back
	run -0 cert-verify -k key.pem -n 2001:db8::1 twin.pem
	run -0 cert-verify -n a.example twin.pem
}

@test "acme-order: RFC 9773 5 replaces is sent where there is renewal information" {
	sent /order-plz | jq -s -e --arg id "$(ari_id)" 'map(.replaces) ==
	    [null, $id]'
}

# What RFC 9773 calls chain.pem.
ari_id() {
	at acme-renewal-info "$BATS_FILE_TMPDIR/chain.pem" 2>/dev/null |
	    jq -r .cert_id
}

@test "acme-order: 7.4 finalize is the request in DER, base64url" {
	run -0 sent /finalize-order/
	[ "${#lines[@]}" -eq 2 ]
	jq -r .csr <<<"${lines[0]}" | tr '_-' '/+' | sed 's/$/==/' |
	    openssl base64 -d -A >"$BATS_TEST_TMPDIR/csr.der"
	[ "$(jq -c keys <<<"${lines[0]}")" = '["csr"]' ]
	openssl req -in req.pem -outform DER | cmp - "$BATS_TEST_TMPDIR/csr.der"
}

@test "acme-order: 7.5.1 a challenge is answered with {}" {
	local made
	# 3 and 3 names, but one of them comes again, and one time in a hundred
	# pebble remembers that it is valid
	made=$(grep -c 'There are now .* authorizations' pebble.log)
	[ "$made" -ge 5 ]
	run -0 sent '/(chalZ|challenge)/'
	# and the one of step-ca
	[ "${#lines[@]}" -eq $((made + 1)) ]
	[ "$(sort -u <<<"$output")" = '{}' ]
}

@test "acme-order: 8.2 all answers are in place before the first is told" {
	# of the order of three names: three authorizations, three challenges
	run -0 jq -s -r 'map(select(.method == "POST") | .url |
	    capture("/(?<what>authZ|chalZ|order-plz|finalize-order)").what) |
	    .[0:8] | join(" ")' "$SEEN"
	[ "$output" = 'order-plz authZ authZ authZ chalZ chalZ chalZ finalize-order' ]
}

@test "acme-order: 7.4.2 the chain is asked for by its type" {
	all '.accept | test("application/pem-certificate-chain") and
	    test("application/problem\\+json")'
	run -0 sent /certZ/
	[ -z "$output" ]
}

@test "acme-revoke: 7.6 the certificate in DER and its reason" {
	run -0 sent /revoke-cert
	[ "${#lines[@]}" -eq 2 ]
	[ "$(jq -c 'del(.certificate)' <<<"${lines[0]}")" = '{"reason":4}' ]
	[ "$(jq -c 'keys' <<<"${lines[1]}")" = '["certificate"]' ]
	jq -r .certificate <<<"${lines[0]}" | tr '_-' '/+' | sed 's/$/==/' |
	    openssl base64 -d -A >"$BATS_TEST_TMPDIR/cert.der"
	openssl x509 -in chain.pem -outform DER |
	    cmp - "$BATS_TEST_TMPDIR/cert.der"
}
