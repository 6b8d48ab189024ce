#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# est-agent with real servers: est-ra under lighttpd before step-ca, nginx and
# mosquitto that want a certificate of their clients.  Certificates live for 25
# minutes and began a minute ago.

load helper
load servers
load estra
load agent

setup_file() {
	both_cas
	life 1500
	est_conf wait APPROVAL=enroll "QUEUE_DIR=$EST_DIR/queue" \
	    RETRY_AFTER_SECONDS=2
}

teardown_file() {
	end_servers
}

setup() {
	agent_setup
}

teardown() {
	agent_teardown
}

# issues N COMMAND...: the CA issues so many in the meantime.
issues() {
	local before
	before=$(cd "$EST_DIR" && signed)
	"${@:2}" || return
	[ "$(($(cd "$EST_DIR" && signed) - before))" -eq "$1" ]
}

# secret TEXT: it is in no file.
secret() {
	[ -n "$1" ]
	run -1 grep -rlF -e "$1" .
}

@test "est-agent enrolls with a token, which goes, and is in no log" {
	cat >hook <<-END
	#!/bin/sh
	tr '\\0' '\\n' <"/proc/\$\$/environ" >$PWD/env.hook
	ps -ewwo args >$PWD/args.hook
	END
	chmod +x hook
	device "RELOAD_HOOK=$PWD/hook"
	issues 1 pass est
	whole device
	tidy device
	[ ! -e token ]
	said '.event == "token.used"'
	said '.event == "cert.ordered" and .reason == "missing"'
	[ -s env.hook ]
	secret "$token"
	secret "${token:5}"
	issues 0 pass est
}

@test "est-agent takes a token of the environment, and no child has it" {
	cat >hook <<-END
	#!/bin/sh
	cat /proc/self/environ >$PWD/env.hook
	END
	chmod +x hook
	# what est-enroll is started with, too
	mkdir bin
	cat >bin/est-enroll <<-END
	#!/bin/sh
	cat /proc/self/environ >$PWD/env.enroll
	exec $ECA_BIN/est-enroll "\$@"
	END
	chmod +x bin/est-enroll
	conf device est "RELOAD_HOOK=$PWD/hook"
	token
	rm token
	BOOTSTRAP_TOKEN=$token PATH=$PWD/bin:$PATH issues 1 pass est
	whole device
	[ -s env.hook ]
	[ -s env.enroll ]
	# neither has it, nor is the file left
	secret "$token"
	[ ! -e agent/bootstrap-token ]
	tidy device
	# once more, as a container does that is started again
	BOOTSTRAP_TOKEN=$token issues 1 pass est -y device
	tidy device
}

@test "est-agent notes a token that it cannot remove" {
	mkdir mounted
	token
	mv token mounted/
	conf device est "BOOTSTRAP_TOKEN_FILE=$PWD/mounted/token"
	if [ "$(id -u)" -eq 0 ]; then
		chattr +i mounted/token 2>err || skip "chattr: $(<err)"
	else
		chmod 555 mounted
	fi
	rc=0
	issues 1 pass est || rc=$?
	rc2=0
	# the certificate is lost: the token has done its work
	rm -rf store agent/state
	issues 0 pass est || rc2=$?
	chattr -i mounted/token 2>err || true
	chmod 755 mounted
	[ "$rc" -eq 0 ]
	[ "$rc2" -eq 2 ]
	grep -qx "$(sha256sum <mounted/token | cut -c 1-64)" agent/tokens.used
	said '.event == "cert.refused" and (.reason | test("no token"))'
	# another one has not
	token
	mv token mounted/token
	waited device
	issues 1 pass est
	whole device
}

@test "est-agent renews by its certificate, with a fresh key" {
	device RENEWAL_THRESHOLD_PERCENT=96 RENEWAL_SPREAD_PERCENT=0
	pass est
	cp -pL store/device/current/*.pem .
	waited device
	wait_for 10 due est
	issues 1 pass est
	said '.event == "cert.ordered" and .reason == "due"'
	run -1 cmp -s key.pem store/device/current/key.pem
	# est-ra has seen it so
	reenrolled() {
		jq -e -s --arg serial "$(serial device)" 'any(.[];
		    .operation == "simplereenroll" and .serial == $serial)' \
		    "$EST_LOG" >seen
	}
	wait_for 10 reenrolled
	[ "$(openssl x509 -in cert.pem -noout -subject -ext subjectAltName)" = \
	    "$(openssl x509 -in store/device/current/cert.pem -noout \
	    -subject -ext subjectAltName)" ]
	whole device
	tidy device
}

@test "est-agent renews for the names it has; for others it wants a token" {
	device
	pass est
	sed -i 's/^DOMAIN_NAME=.*/&,other.example/' certs.d/device.conf
	issues 0 pass est
	issues 1 pass est -y device
	run -0 cert-plan -c certs.d est
	[ "$(jq -r '.names | join(" ")' <<<"$output")" = device.example ]
	# as the page says
	token
	rm -r store/device
	issues 1 pass est
	run -0 cert-plan -c certs.d est
	[ "$(jq -r '.names | join(" ")' <<<"$output")" = \
	    'device.example other.example' ]
	tidy device
}

@test "est-agent: expired, it takes a token, then RECOVERY_COMMAND" {
	device
	pass est
	# one that has expired instead: what faketime would do, the clock of the
	# CA being right
	expire() {
		local gen
		gen=$(readlink -f store/device/current)
		mkdir -p pki
		[ -s pki/root.pem ] || make_ca pki
		make_cert pki device san=DNS:device.example from='2 days ago' \
		    to='1 day ago'
		cp pki/device.pem "$gen/cert.pem"
		cp pki/device.chain.pem "$gen/fullchain.pem"
		cp pki/device.key "$gen/key.pem"
		waited device
	}
	expire
	token
	issues 1 pass est
	said '.event == "cert.ordered" and .reason == "expired"'
	[ ! -e token ]
	whole device
	# no token: the command, which has the request and says the chain
	cat >recover <<-END
	#!/bin/sh
	echo "\$*" >$PWD/recover.out
	step-ott -u https://127.0.0.1:$CA_PORT -P jwk -k $EST_KEY - \
	    <$PWD/agent/state/device/pending/csr.pem >$PWD/ott || exit
	exec step-sign -u https://127.0.0.1:$CA_PORT -A $ROOT -U $PWD/ott
	END
	chmod +x recover
	echo "RECOVERY_COMMAND=$PWD/recover word" >>certs.d/device.conf
	expire
	issues 1 pass est
	[ "$(<recover.out)" = 'word device' ]
	said '.event == "recovery.started" and (.reason | test("no token"))'
	whole device
	# a lost store: again
	rm -rf store
	waited device
	issues 1 pass est
	said '.event == "cert.ordered" and .reason == "missing"'
	whole device
	tidy device
	# a command that fails is tried again, what it says is known
	printf '#!/bin/sh\necho hsm is away >&2\nexit 1\n' >recover
	expire
	run -75 pass est
	said '.event == "cert.delayed" and .reason == "hsm is away"'
	[ "$(find agent/state/device/pending -type f | wc -l)" -gt 0 ]
}

@test "est-agent: revoked, it does not ask with that, but with a token" {
	url=https://127.0.0.1:$CA_PORT/1.0/crl
	cat "$CA/root.pem" "$ROOT" >anchors.pem
	device CRL_ENABLED=true "CRL_URL=$url" "CA_ROOT=$PWD/anchors.pem"
	pass est
	first=$(serial device)
	cp -pL store/device/current/fullchain.pem old.pem
	step-revoke -u "https://127.0.0.1:$CA_PORT" -A "$ROOT" \
	    -c old.pem -k store/device/current/key.pem
	(cd "$EST_DIR" && refresh_crl)
	find agent/crl -type f -exec touch -d '3 hours ago' {} +
	# without a token nothing can be done, and the old one stays
	rc=0
	issues 0 eval 'pass est || rc=$?'
	[ "$rc" -eq 2 ]
	said ".event == \"cert.revoked\" and .serial == \"$first\""
	said '.event == "cert.refused" and (.reason | test("no token"))'
	[ "$(serial device)" = "$first" ]
	token
	waited device
	issues 1 pass est
	[ "$(serial device)" != "$first" ]
	run -1 said '.event == "est.refused"'
	whole device
	tidy device
}

@test "est-agent: refused by certificate, it takes the token" {
	device
	pass est
	first=$(serial device)
	# est-ra knows it as revoked; the agent does not
	step-revoke -u "https://127.0.0.1:$CA_PORT" -A "$ROOT" \
	    -c store/device/current/fullchain.pem \
	    -k store/device/current/key.pem
	(cd "$EST_DIR" && refresh_crl)
	token
	issues 1 pass est -y device
	said '.event == "est.refused" and (.reason | length) > 0'
	said '.event == "token.used"'
	[ "$(serial device)" != "$first" ]
	tidy device
}

@test "est-agent waits for somebody to approve, with the same request" {
	device EST_PROVISIONER=wait
	rc=0
	issues 0 eval 'pass est || rc=$?'
	[ "$rc" -eq 75 ]
	said '.event == "cert.delayed" and (.retry_at | length) > 0'
	state device '.failures == 1 and .retry_at != null'
	cp -p agent/state/device/pending/csr.pem .
	# not before the server said
	: >log.json
	pass est
	[ "$(jq -r .event log.json)" = cert.waiting ]
	# nobody has looked yet
	run -75 pass est -y device
	cmp csr.pem agent/state/device/pending/csr.pem
	[ "$(est-queue -d "$EST_DIR/queue" list | wc -l)" -eq 1 ]
	est-queue -d "$EST_DIR/queue" approve \
	    "$(est-queue -d "$EST_DIR/queue" list | jq -r .key)"
	waited device
	sleep 2
	issues 1 pass est
	[ ! -e token ]
	cmp <(openssl req -in csr.pem -noout -pubkey) \
	    <(openssl x509 -in store/device/current/cert.pem -noout -pubkey)
	whole device
	tidy device
}

# takes, refuses: does nginx at $port?
takes() {
	target-client -1 -A "$CA/root.pem" \
	    -c store/device/current/fullchain.pem \
	    -k store/device/current/key.pem \
	    "https://127.0.0.1:$port/" >client.out
}

refuses() {
	if takes; then
		return 1
	fi
}

@test "est-agent: nginx takes the client, or the one before comes back" {
	port=$(free_port)
	double "ssl_client_certificate $ROOT; ssl_verify_client on;
	    ssl_verify_depth 3; location / { return 200 \"hello\\n\"; }"
	cat "$CA/root.pem" "$ROOT" >anchors.pem
	device "CERT_ROOT=$PWD/anchors.pem" "PROBE_CLIENT=127.0.0.1:$port" \
	    PROBE_NAME=a.example PROBE_TIMEOUT_SECONDS=1 "PROBE_COMMAND=$PWD/probe"
	cat >probe <<-END
	#!/bin/sh
	exec target-client -1 -A $CA/root.pem -c "\$2/fullchain.pem" \
	    -k "\$2/key.pem" https://127.0.0.1:$port/
	END
	chmod +x probe
	issues 1 pass est
	first=$(serial device)
	issues 1 pass est -y device
	tidy device
	second=$(serial device)
	[ "$second" != "$first" ]
	target-client -1 -A "$CA/root.pem" \
	    -c store/device/current/fullchain.pem \
	    -k store/device/current/key.pem "https://127.0.0.1:$port/"
	# it wants others from now on
	sed -i "s|ssl_client_certificate .*; ssl_v|ssl_client_certificate $CA/root.pem; ssl_v|" \
	    nginx.conf
	kill -HUP "$(<nginx.pid)"
	wait_for 5 refuses
	rc=0
	issues 1 eval 'pass est -y device || rc=$?'
	[ "$rc" -eq 75 ]
	said '.event == "proof.failed" and
	    .reason == "the hook ended with 1 and said nothing"'
	[ "$(serial device)" = "$second" ]
	whole device
	# and us again
	sed -i "s|ssl_client_certificate .*; ssl_v|ssl_client_certificate $ROOT; ssl_v|" \
	    nginx.conf
	kill -HUP "$(<nginx.pid)"
	wait_for 5 takes
	sed -i /PROBE_TIMEOUT/d certs.d/device.conf
	waited device
	issues 0 pass est
	said '.event == "cert.retried"'
	[ "$(serial device)" != "$second" ]
	tidy device
}

@test "est-agent: mosquitto takes the client" {
	require mosquitto
	local port
	port=$(free_port)
	cat >mosquitto.conf <<-END
	listener $port 127.0.0.1
	allow_anonymous true
	cafile $BATS_TEST_TMPDIR/cafile
	certfile $BATS_TEST_TMPDIR/broker.pem
	keyfile $BATS_TEST_TMPDIR/broker.key
	require_certificate true
	use_identity_as_username true
	user root
	END
	cp "$CA/a.example.chain.pem" broker.pem
	cp "$CA/a.example.key" broker.key
	cat "$ROOT" "$EST_INT" >cafile
	start_bg mosquitto -v -c "$PWD/mosquitto.conf"
	wait_port "$port"
	cat "$CA/root.pem" "$ROOT" >anchors.pem
	device "CERT_ROOT=$PWD/anchors.pem" "PROBE_CLIENT=127.0.0.1:$port" \
	    PROBE_NAME=a.example
	pass est
	said '.event == "cert.proven"'
	issues 1 pass est -y device
	tidy device
}
