# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of the agents have in common; for bats files that load helper
# and servers.  An agent works in the current directory: certs.d, agent (its
# state), store, log.json.
#
#   both_cas        in setup_file: step-ca at $ACME and, before it, est-ra under
#                   lighttpd at $EST; with estra.bash
#   own_pki         in setup_file: $PKI, a CA for given
#   agent_setup     in setup: the test's directory, an empty log.json
#   no_ca           the same; nobody listens at $ACME and $EST, $ROOT is that of
#                   $PKI
#   agent_teardown  in teardown: stop_bg; the end of the log of what has failed
#   token           for one use, in the file token, and in $token; with estra
#   device [KEY=value ...]
#                   certs.d/device.conf, at $EST by a token
#   conf NAME acme|est [KEY=value ...]
#                   certs.d/NAME.conf, at the CA of $ROOT and $ACME, or $EST
#                   (its base URL); certs.d/defaults is made when missing.
#                   KEY= takes a key away
#   given NAME [make_cert words]
#                   a generation made elsewhere, below $PKI/int.pem: nobody has
#                   proven it
#   pass acme|est [option ...]
#                   one pass (-1); what it says is added to log.json; returns
#                   its exit code
#   agent acme|est [option ...]
#                   in the background until stop_bg; its log is log.json, its
#                   process id $bg
#   due acme|est    is there something to do?
#   said FILTER     is a line in log.json for which this jq filter is true?
#   tells FILTER    the same, within ten seconds
#   serial NAME     of the current certificate
#   state NAME FILTER   of its state.json
#   waited NAME     its last attempt was a day ago, says state.json from now on,
#                   and its last success a day earlier than it was
#   whole NAME      the current pair is there, belongs together, is valid and
#                   leads to $ROOT
#   tidy [NAME ...] nothing is left of a pass: no temporary file, no request
#                   under way, one generation each
#   target PORT [LINE ...]
#                   nginx with the certificate of store/web at this port, in
#                   the background; lines are added to its server block
#   life SECONDS [BACKDATE]
#                   the lifetime of what step-ca issues from now on, after a
#                   restart, and how far back it begins: a minute
#   flow SECONDS    requests by target-client without a pause, with the
#                   certificate of store/device, to nginx with that of
#                   store/web; both live for a minute and both agents are at
#                   work: not one request fails

both_cas() {
	require lighttpd nginx
	start_dns
	start_ra
	export EST=https://127.0.0.1:$EST_PORT
}

own_pki() {
	export PKI=$BATS_FILE_TMPDIR/pki
	make_ca "$PKI"
}

agent_setup() {
	cd "$BATS_TEST_TMPDIR" || return
	: >log.json
	require jq flock
}

no_ca() {
	agent_setup
	export ROOT=$PKI/root.pem HTTP_PORT=9
	export ACME=https://127.0.0.1:9/dir EST=https://127.0.0.1:9
}

agent_teardown() {
	stop_bg
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 40 log.json
}

token() {
	token=$(cd "$EST_DIR" && est_token)
	rm -f token
	(
		umask 077
		echo "$token" >token
	)
}

device() {
	[ -e token ] || token
	conf device est "BOOTSTRAP_TOKEN_FILE=$PWD/token" "$@"
}

conf() {
	local file=certs.d/$1.conf word
	mkdir -p certs.d
	[ -e certs.d/defaults ] || cat >certs.d/defaults <<-END
	STATE_DIR=$PWD/agent
	STORE_DIR=$PWD/store
	CA_ROOT=$ROOT
	CERT_ROOT=$ROOT
	END
	case $2 in
	acme) cat >"$file" <<-END ;;
	PROTOCOL=acme
	CA_URL=$ACME
	DOMAIN_NAME=$1.example
	CHALLENGE_LISTEN=127.0.0.1:$HTTP_PORT
	END
	est) cat >"$file" <<-END ;;
	PROTOCOL=est
	CA_URL=$EST
	CA_ROOT=$CA/root.pem
	DOMAIN_NAME=$1.example
	SUBJECT_DN=CN=$1.example
	END
	esac
	for word in "${@:3}"; do
		sed -i "/^${word%%=*}=/d" "$file"
		[ -z "${word#*=}" ] || echo "$word" >>"$file"
	done
}

given() {
	make_cert "$PKI" "$1" "san=DNS:$1.example" "${@:2}"
	mkdir -p store
	cert-deploy -k "$PKI/$1.key" "store/$1" "$PKI/$1.chain.pem"
}

pass() {
	timeout 120 "$1-agent" -1 -c certs.d "${@:2}" 2>>log.json 3>&- 4>&-
}

agent() {
	env --default-signal=INT,QUIT "$1-agent" -c certs.d "${@:2}" \
	    >>log.json 2>&1 3>&- 4>&- &
	bg=$!
	bg_pids+=("$bg")
}

due() {
	local rc=0
	cert-plan -c certs.d "$1" >due.out || rc=$?
	[ "$rc" -eq 1 ]
}

said() {
	jq -e -nR "[inputs | fromjson?] | any(.[]; $1)" log.json >said.out
}

tells() {
	wait_for 10 said "$1" || { tail -n 20 log.json; return 1; }
}

serial() {
	cert-expiry "store/$1/current/cert.pem" | jq -r .serial
}

state() {
	jq -e "$2" "agent/state/$1/state.json"
}

waited() {
	jq '(.last_attempt, .last_success) |= (values |
	    fromdate - 86400 | todate)' \
	    "agent/state/$1/state.json" >waited.json
	mv waited.json "agent/state/$1/state.json"
}

whole() {
	local dir
	dir=$(cd -P "store/$1/current" && pwd) || return
	cert-verify -B "$ROOT" -k "$dir/key.pem" "$dir/fullchain.pem" \
	    >whole.out || { cat whole.out; return 1; }
	cmp <(openssl x509 -in "$dir/cert.pem" -noout -pubkey) \
	    <(openssl pkey -in "$dir/key.pem" -pubout)
}

tidy() {
	local name
	[ -z "$(find agent store \( -name 'tmp.*' -o -name '.*' -o \
	    -name pending -o -name '*.new' \) -print)" ] ||
	    { find agent store; return 1; }
	for name; do
		[ "$(find "store/$name/gen" -mindepth 1 -maxdepth 1 |
		    wc -l)" -eq 1 ]
		[ "store/$name/current" -ef "store/$name/proven" ]
		[ ! -e "store/$name/previous" ]
	done
}

target() {
	nginx_conf <<-END
	server {
		access_log off;
		ssl_session_tickets off; ssl_session_cache off;
		listen 127.0.0.1:$1 ssl;
		ssl_certificate store/web/current/fullchain.pem;
		ssl_certificate_key store/web/current/key.pem;
		${*:2}
		location / { return 200 "hello\n"; }
	}
	END
	start_bg nginx -e nginx.log -p . -c nginx.conf
	wait_port "$1"
}

life() {
	jq --arg life "${1}s" --arg backdate "${2-60}s" '
	    .authority.claims.defaultTLSCertDuration = $life |
	    .authority.claims.minTLSCertDuration = "1s" |
	    .authority.backdate = $backdate' \
	    "$CA_DIR/config/ca.json" >"$CA_DIR/config/new.json"
	mv "$CA_DIR/config/new.json" "$CA_DIR/config/ca.json"
	end_server step-ca
	run_step_ca
}

# renewals NAME: how often it was proven.
renewals() {
	jq -nR --arg name "$1" '[inputs | fromjson? |
	    select(.event == "cert.proven" and .name == $name)] | length' \
	    log.json
}

flow() {
	local port client rc=0
	port=$(free_port)
	conf web acme DOMAIN_NAME=web.example,127.0.0.1
	pass acme
	pass est
	target "$port" "ssl_client_certificate $ROOT; ssl_verify_client on;
	    ssl_verify_depth 3;"
	conf web acme DOMAIN_NAME=web.example,127.0.0.1 \
	    "RELOAD_HOOK=reload-nginx $PWD/nginx.pid" \
	    "PROBE_SERVER=127.0.0.1:$port"
	echo "PROBE_CLIENT=127.0.0.1:$port" >>certs.d/device.conf
	start_bg target-client -i 0 -A "$ROOT" \
	    -c store/device/current/fullchain.pem \
	    -k store/device/current/key.pem "https://127.0.0.1:$port/"
	client=$bg requests=$BATS_TEST_TMPDIR/bg.$((${#bg_pids[@]} - 1)).log
	agent acme
	agent est
	sleep "$1"
	kill "$client"
	wait "$client" || rc=$?
	stop_bg
	echo "$(wc -l <"$requests") requests, $(renewals web) and" \
	    "$(renewals device) renewals"
	jq -c 'select(.ok | not)' "$requests"
	[ "$rc" -eq 0 ]
	jq -e -s 'length > 0 and all(.[]; .ok)' "$requests" >flow.out
	# each is due within 20 seconds
	[ "$(renewals web)" -ge $(($1 / 21)) ]
	[ "$(renewals device)" -ge $(($1 / 21)) ]
	run -1 said '.level == "warn" or .level == "error"'
	tidy web device
}
