#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Our EST server, lighttpd and step-ca with it, for clients that others wrote:
# globalsign's estclient, strongSwan's pki, curl with openssl; then for our own.
# The server's certificate is of the CA that it is the server of, as
# deployments have it.

load helper
load servers
load estra

setup_file() {
	require estclient pki curl jq
	cd "$BATS_FILE_TMPDIR" || return
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	export EST_DIR=$PWD EST_ROOT EST_INT EST_URL EST_KEY EST_ANCHOR BASE
	export EST_CERT=$PWD/front.pem EST_CERT_KEY=$PWD/front.key
	export EST_CLIENTS=$PWD/clients.pem
	# strongSwan asks for the CRL, and goes on without.
	start_step_ca -u "http://127.0.0.1:$(free_port)/ca.crl"
	EST_ROOT=$ROOT EST_INT=$CA_DIR/certs/intermediate_ca.crt
	EST_URL=https://127.0.0.1:$CA_PORT EST_KEY=$CA_DIR/secrets/jwk.key
	EST_ANCHOR=$ROOT
	mkkey -o front.key
	mkcsr -k front.key -d localhost -i 127.0.0.1 >front.csr
	(umask 077 &&
	    step-ott -u "$EST_URL" -k "$EST_KEY" -P jwk front.csr >front.ott)
	step-sign -u "$EST_URL" -A "$ROOT" -U front.ott front.csr >front.pem
	make_ca maker
	make_cert maker dev subject=/CN=serial-1
	confs
	cat "$EST_INT" "$EST_ROOT" maker/int.pem maker/root.pem >clients.pem
	refresh_crl
	start_est est
	BASE=https://127.0.0.1:$EST_PORT
}

# strongSwan knows no label and wants one line: the default is as it likes it.
confs() {
	est_conf default BODY_WIDTH=0 SUBJECT='CN=dev* O'
	est_conf wide SUBJECT='CN=dev* O' "CSRATTRS=$EST_DIR/csrattrs"
	est_conf maker ENROLL=cert "CLIENT_CAS=$EST_DIR/maker/int.pem"
	est_conf wait APPROVAL=enroll "QUEUE_DIR=$EST_DIR/queue" \
	    RETRY_AFTER_SECONDS=1
	echo MDIGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiBgcrBgEBAQEWBggqhkjOPQQDAw== >csrattrs
}

teardown_file() {
	end_servers
}

setup() {
	cd "$EST_DIR" || return
}

teardown() {
	stop_bg
	confs
}

refresh_crl() {
	curl -sS -f -k -o ca.crl.new "https://127.0.0.1:$CA_PORT/1.0/crl" &&
	    mv ca.crl.new ca.crl
}

# key NAME [SAN]: NAME.key and NAME.pem, a request for dev1.example.
key() {
	rm -f "$1.key"
	mkkey -o "$1.key"
	mkcsr -k "$1.key" -N "${2-CN=dev1.example}" -d dev1.example >"$1.pem"
}

# issued CERT KEY [OLD]: a good certificate, and not the old one.
issued() {
	cert-verify -B cas.pem -k "$2" -n dev1.example -p client "$1"
	[ $# -lt 3 ] || [ "$(openssl x509 -in "$1" -noout -serial)" != \
	    "$(openssl x509 -in "$3" -noout -serial)" ]
}

# last FILTER: true of the last request.
last() {
	jq -e -s "last | $1" "$EST_LOG" >/dev/null ||
	    { tail -n 1 "$EST_LOG"; return 1; }
}

# go COMMAND LABEL [OPTION]...: globalsign's client.
go() {
	timeout 30 estclient "$1" -server "127.0.0.1:$EST_PORT" \
	    -explicit "$ROOT" ${2:+-aps "$2"} "${@:3}"
}

# swan COMMAND [OPTION]...: strongSwan's, which talks much.
swan() {
	timeout 30 pki "--$1" --url "$BASE" --cacert "$ROOT" \
	    --cacert "$EST_INT" --outform pem "${@:2}" 2>swan.log ||
	    { tail -n 5 swan.log >&2; return 1; }
}

@test "est-ra: estclient, cacerts and csrattrs, with and without a label" {
	local label
	for label in '' wide; do
		rm -f got.pem
		go cacerts "$label" -out got.pem
		[ "$(grep -c BEGIN got.pem)" -eq 2 ]
		openssl verify -CAfile "$ROOT" got.pem
	done
	run -0 go csrattrs wide
	[[ $output == *'1.2.840.10045.4.3.3'*'1.3.132.0.34'* ]]
	run -0 go csrattrs ''
	[ -z "$output" ]
}

@test "est-ra: estclient enrolls by token, and says why not (S15)" {
	local new=(-cn dev1.example -dnsnames dev1.example)
	key go
	go enroll wide -key go.key "${new[@]}" -user any -pass "$(est_token)" \
	    -out go.crt
	issued go.crt go.key
	run -1 go enroll wide -key go.key "${new[@]}" -user any -pass wrong
	[[ $output == *'a token is needed'* ]]
	# It sends nothing for a user without a name.
	run -1 go enroll wide -key go.key "${new[@]}" -user '' \
	    -pass "$(est_token)"
	last '.reason == "no_token"'
	run -1 go enroll wait -key go.key "${new[@]}" -user any \
	    -pass "$(est_token)"
	[[ $output == *'waits for approval'* ]]
}

@test "est-ra: estclient enrolls by a certificate and renews its own" {
	key old
	key new
	go enroll maker -csr old.pem -certs maker/dev.pem -key maker/dev.key \
	    -out old.crt
	issued old.crt old.key
	last '.who | endswith("CN=serial-1")'
	go reenroll wide -certs old.crt -key old.key -out again.crt
	issued again.crt old.key old.crt
	go reenroll wide -certs old.crt -key old.key -csr new.pem -out new.crt
	issued new.crt new.key old.crt
	last '.event == "cert.renewed"'
}

@test "est-ra: strongSwan gets the CA certificates, on one line only" {
	rm -f swan*.crt
	swan estca --caout swan.crt
	[ "$(cat swan.crt swan-1.crt | openssl storeutl -noout -certs \
	    /dev/stdin | tail -n 1)" = 'Total found: 2' ]
	openssl verify -CAfile "$ROOT" swan.crt swan-1.crt
	est_conf default
	run -1 swan estca --caout swan.crt --force
}

@test "est-ra: strongSwan enrolls by token and renews by certificate" {
	key swan
	key next
	swan est --in swan.pem --userpass "any:$(est_token)" >swan.crt
	issued swan.crt swan.key
	swan est --in swan.pem --userpass ":$(est_token)" >nobody.crt
	issued nobody.crt swan.key
	run -1 swan est --in swan.pem --userpass any:wrong
	last '.status == 401'
	swan est --in swan.pem --cert swan.crt --key swan.key >again.crt
	issued again.crt swan.key swan.crt
	swan est --in next.pem --cert swan.crt --key swan.key >next.crt
	issued next.crt next.key swan.crt
	last '.event == "cert.renewed"'
}

# somebody QUEUE: approves the next request that comes.
somebody() {
	local name
	wait_for 20 waits "$1"
	for name in "$1"/pending/*; do
		est-queue -d "$1" approve "$(basename "$name")"
	done
}

waits() {
	[ -n "$(find "$1/pending" -type f)" ]
}

@test "est-ra: strongSwan waits for approval (S18)" {
	local queue=$EST_DIR/swan-queue
	mkdir -p "$queue/pending" "$queue/approved" "$queue/denied"
	est_conf default BODY_WIDTH=0 APPROVAL=enroll "QUEUE_DIR=$queue" \
	    RETRY_AFTER_SECONDS=1
	key slow
	somebody "$queue" &
	swan est --in slow.pem --userpass "any:$(est_token)" --interval 1 \
	    --maxpolltime 25 >slow.crt
	wait $!
	issued slow.crt slow.key
}

@test "est-ra: curl and openssl, every form of request and of TLS (S4, S12)" {
	local how width
	key curl
	openssl req -in curl.pem -outform DER | base64 -w 0 >curl.csr
	enroll maker/simpleenroll curl.csr --cert maker/dev.pem \
	    --key maker/dev.key | grep -qx 200
	cp got.pem curl.crt
	issued curl.crt curl.key
	for width in 4 64 76; do
		fold -w $width curl.csr | sed 's/$/\r/' >folded
		for how in --http1.1 --http2 '--tls-max 1.2' --tlsv1.3; do
			# shellcheck disable=SC2086	# two words
			enroll simplereenroll folded --cert curl.crt \
			    --key curl.key $how | grep -qx 200
			issued got.pem curl.key curl.crt
		done
	done
	ask wide/csrattrs | grep -qx 200
	base64 -d body | openssl asn1parse -inform DER |
	    grep -q ecdsa-with-SHA384
	ask simpleenroll --digest -u "a:$(est_token)" --data-binary @curl.csr \
	    -H 'Content-Type: application/pkcs10' | grep -qx 401
}

# ours LABEL COMMAND [OPTION]...
ours() {
	"$2" -u "$BASE${1:+/$1}" -A cas.pem "${@:3}"
}

# token LABEL: of est-token, in the file token.
token() {
	rm -f token
	(umask 077 && est-token -d tokens add ${1:+-l "$1"} >token)
}

@test "est-enroll: the recipes of est.7 with est-ra" {
	local dir=$EST_DIR/recipes
	rm -rf "$dir" && mkdir "$dir"
	token
	mv token "$dir"
	openssl x509 -in "$ROOT" -noout -fingerprint -sha256 |
	    cut -d= -f2 >"$dir/root.sha256"
	sed -n '/^\.Sh RECIPES/,/^\.Sh DEP/p' "$ECA_ROOT/man/est.7" |
	    awk '/^\.Bd/ { n++; on = 1; next } /^\.Ed/ { on = 0 } on && n < 3' |
	    sed "s|^u=.*|u=$BASE|; s/\\\\e/\\\\/" >"$dir/recipes"
	grep -q 'est-enroll -r' "$dir/recipes"
	(cd "$dir" && sh -e recipes)
	cmp recipes/cas.pem <(cat "$ROOT" "$EST_INT")
	cert-verify -B cas.pem -k recipes/new.pem recipes/new-cert.pem
}

@test "est-enroll: a wrong token and a spent one" {
	key mine
	token
	ours '' est-enroll -B cas.pem -U token mine.pem >mine.crt
	issued mine.crt mine.key
	run -2 --separate-stderr ours '' est-enroll -U token mine.pem
	[ -z "$output" ]
	[[ $stderr == *'401, it does not take the password or token'* ]]
	token wide
	run -2 ours '' est-enroll -U token mine.pem
	ours wide est-enroll -B cas.pem -U token mine.pem >wide.crt
	issued wide.crt mine.key mine.crt
	(umask 077 && echo wrong >token)
	run -2 ours wide est-enroll -U token mine.pem
}

@test "est-enroll: -W waits until somebody approves (C12)" {
	local queue=$EST_DIR/our-queue
	mkdir -p "$queue/pending" "$queue/approved" "$queue/denied"
	est_conf wait APPROVAL=enroll "QUEUE_DIR=$queue" RETRY_AFTER_SECONDS=1
	key late
	token
	run -75 --separate-stderr ours wait est-enroll -U token late.pem
	[[ ${stderr_lines[-1]} == 'retry-at: 20'*Z ]]
	somebody "$queue" &
	ours wait est-enroll -W -m 25 -B cas.pem -U token late.pem >late.crt
	wait $!
	issued late.crt late.key
}

@test "est-enroll: who is revoked renews nothing more (S23)" {
	local serial
	key gone
	token
	ours '' est-enroll -B cas.pem -U token gone.pem >gone.crt
	ours '' est-enroll -r -B cas.pem -c gone.crt -k gone.key gone.pem \
	    >again.crt
	issued again.crt gone.key gone.crt
	serial=$(openssl x509 -in gone.crt -noout -serial)
	rm -f gone.ott
	(umask 077 && step-ott -r -u "$EST_URL" -k "$EST_KEY" -P jwk \
	    gone.crt >gone.ott)
	step-revoke -u "$EST_URL" -A "$ROOT" -U gone.ott gone.crt
	wait_for 10 on_list "${serial#*=}"
	run -2 --separate-stderr ours '' est-enroll -r -B cas.pem -c gone.crt \
	    -k gone.key gone.pem
	[ -z "$output" ]
	[[ $stderr == *'simplereenroll: 403'*revoked* ]]
	last '.reason == "revoked"'
}

on_list() {
	refresh_crl && openssl crl -in ca.crl -inform DER -noout -text |
	    grep -qi "Serial Number: 0*$1"
}

@test "est-enroll: what the server's names policy does not have" {
	key mine 'CN=dev1,O=Acme'
	token
	ours '' est-enroll -B cas.pem -U token mine.pem >mine.crt
	[ "$(openssl x509 -in mine.crt -noout -subject -nameopt RFC2253)" = \
	    'subject=CN=dev1,O=Acme' ]
	token
	mkcsr -k mine.key -N CN=dev1,O=Acme -d dev1.other >other.pem
	run -2 --separate-stderr ours '' est-enroll -U token other.pem
	[[ $stderr == *'simpleenroll: 403'*dev1.other* ]]
	# The token is good still; a renewal for others ends at home.
	mkcsr -k mine.key -N CN=dev2,O=Acme -d dev1.example >two.pem
	ours '' est-enroll -B cas.pem -U token two.pem >two.crt
	run -2 ours '' est-enroll -r -c mine.crt -k mine.key two.pem
	last '.event == "cert.issued"'
}

# step-ca's own template keeps nothing of a subject but the CN.
@test "est-enroll: -I meets a CA that makes the subject itself (S19)" {
	jq '.authority.provisioners += [.authority.provisioners[] |
	    select(.name == "jwk") | .name = "plain" | del(.options)]' \
	    "$CA_DIR/config/ca.json" >ca.json
	end_server step-ca
	cp ca.json "$CA_DIR/config/ca.json"
	run_step_ca
	est_conf plain PROVISIONER=plain SUBJECT='CN=dev* O'
	key cut 'CN=dev1.example,O=Acme'
	token
	run -2 --separate-stderr ours plain est-enroll -B cas.pem -U token \
	    cut.pem
	[ -z "$output" ]
	[[ $stderr == *subject* ]]
	token
	ours plain est-enroll -I san -B cas.pem -U token cut.pem >cut.crt
	issued cut.crt cut.key
	mkcsr -k cut.key -x cut.crt >cut2.pem
	ours plain est-enroll -r -B cas.pem -c cut.crt -k cut.key cut2.pem \
	    >cut2.crt
	issued cut2.crt cut.key cut.crt
}
