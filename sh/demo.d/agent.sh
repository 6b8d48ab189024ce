# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # tmp, dir, top: of demo
# agent: acme-agent looks after the certificate of nginx, est-agent after that of
# a client; both live for two minutes. Requests flow all the time.
# shellcheck source=est.sh source-path=SCRIPTDIR
. "$top/sh/demo.d/est.sh"
est_life=2m

shows() {
	tls-peek -A ca/certs/root_ca.crt localhost:4213
}

# installed NAME: it has a certificate that was seen in service.
installed() {
	[ -e "store/$1/proven" ] &&
	    [ "$(readlink "store/$1/current")" = \
	    "$(readlink "store/$1/proven")" ]
}

# renewed NAME SERIAL: another one.
renewed() {
	installed "$1" && [ "$(serial_of store/"$1"/current/cert.pem)" != "$2" ]
}

agent_conf() {
	say 'What is wanted: a file for each certificate.'
	run 'mkdir certs.d'
	run "cat >certs.d/defaults <<EOF
STATE_DIR=$dir/agent
STORE_DIR=$dir/store
CA_ROOT=$dir/ca/certs/root_ca.crt
CERT_ROOT=$dir/ca/certs/root_ca.crt
RENEWAL_SPREAD_PERCENT=5
EOF"
	run "cat >certs.d/localhost.conf <<EOF
PROTOCOL=acme
CA_URL=https://localhost:4210
ACME_PROVISIONER=acme
DOMAIN_NAME=localhost
CHALLENGE_LISTEN=127.0.0.1:4212
EOF"
	run "cat >certs.d/device.conf <<EOF
PROTOCOL=est
CA_URL=https://localhost:4222
DOMAIN_NAME=device.devices.example
SUBJECT_DN=CN=device.devices.example
BOOTSTRAP_TOKEN_FILE=$dir/token.txt
EOF"
}

agent_first() {
	say 'One pass, so that nginx can start; then it is to be reloaded and asked.'
	run 'acme-agent -1 -c certs.d'
	run "mkdir -p tmp && cp '$top/etc/nginx/mtls.conf' nginx.conf"
	start nginx.log 'nginx -e nginx.log -p . -c nginx.conf'
	wait_for 'nginx, see nginx.log' 10 shows
	run "cat >>certs.d/localhost.conf <<EOF
RELOAD_HOOK=reload-nginx $dir/nginx.pid
PROBE_SERVER=localhost:4213
EOF"
	say 'A token for the device, good for one certificate.'
	run 'est-token -d tokens add -1 device.devices.example >token.txt &&
    chmod 600 token.txt'
	say 'Both agents start.'
	run 'acme-agent -t -c certs.d && est-agent -t -c certs.d'
	start acme-agent.log 'acme-agent -c certs.d'
	start est-agent.log 'est-agent -c certs.d'
	wait_for 'est-agent, see est-agent.log' 30 installed device
	run 'ls token.txt || echo gone: it was used'
}

agent_work() {
	server=$(serial_of store/localhost/current/cert.pem)
	client=$(serial_of store/device/current/cert.pem)
	say 'Requests flow, each with the certificate that the client has then.'
	start requests.log "target-client -i 0 -A ca/certs/root_ca.crt \\
    -c store/device/current/fullchain.pem -k store/device/current/key.pem \\
    https://localhost:4213/"
	client_pid=${pids%% *}
	say 'Nobody does anything for a while: two minutes, at most.'
	wait_for 'acme-agent, see acme-agent.log' 130 \
	    renewed localhost "$server"
	wait_for 'est-agent, see est-agent.log' 130 renewed device "$client"
	sleep 1
	stop "$client_pid"
}

agent() {
	est_prepare
	port_free 4212 'the ACME challenge'
	port_free 4213 nginx
	est_ca
	est_server
	agent_conf
	agent_first
	agent_work
	say 'What the agents say'
	run "jq -r '[.time, .service, .event, .name // \"-\", .serial // .reason //
    .path // \"\"] | @tsv' acme-agent.log est-agent.log | sort"
	good=$(grep -c '"ok":true' requests.log) || :
	bad=$(grep -vc '"ok":true' requests.log) || :
	say 'Outcome'
	printf 'requests  %s, failed: %s\n' "$((good + bad))" "$bad"
	[ "$good" -gt 0 ] || broken 'requests: none was answered'
	[ "$bad" -eq 0 ] || broken "requests: $bad failed"
	run 'eca-status -c certs.d'
}

agent_keep() {
	cat <<-END
	eca-status -c certs.d
	tail -f acme-agent.log est-agent.log
	tls-peek -A ca/certs/root_ca.crt localhost:4213 | cert-expiry
	acme-agent -1 -y localhost -c certs.d
	END
}
