#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The agents where the configuration, the names of files, the hooks and what
# they were started with mean no good.  No CA is needed.

load helper
load agent

setup_file() {
	own_pki
	make_cert "$PKI" web san=DNS:web.example
}

setup() {
	no_ca
}

teardown() {
	agent_teardown
}

# unproven [KEY=value ...]: web, deployed and not yet proven.
unproven() {
	rm -rf store agent certs.d
	mkdir store
	cert-deploy -k "$PKI/web.key" store/web "$PKI/web.chain.pem"
	conf web acme ARI=false RELOAD_HOOK="$PWD/hook" "$@"
}

# hook LINE...: this is what it does.
hook() {
	printf '%s\n' '#!/bin/sh' "$@" >hook
	chmod +x hook
}

proven() {
	[ store/web/proven -ef store/web/current ] &&
	    state web '.result == "ok"'
}

@test "acme-agent: what is in the configuration is data" {
	local evil dir
	evil="b 'c\"d\$(touch got)\`touch got\`;touch got;&*?[x]\\"
	dir=$PWD/$evil
	mkdir "$evil"
	# shellcheck disable=SC2016	# for the hook
	hook 'printf "[%s]" "$@" >"$0.out"'
	conf web acme ARI=false CERT_PATH="$dir/a b/\$(c) -rt" \
	    KEY_PATH="$dir/-key" RELOAD_HOOK="$PWD/hook -n \$(touch got) * 'x y" \
	    PROBE_COMMAND="$PWD/hook -- %s"
	sed -i "/^STATE_DIR/d; /^STORE_DIR/d" certs.d/defaults
	printf '%s\n' "STATE_DIR=$dir" "STORE_DIR=$dir/the store" \
	    >>certs.d/defaults
	mkdir "$dir/the store"
	cert-deploy -k "$PKI/web.key" "$dir/the store/web" "$PKI/web.chain.pem"
	# the first round has the words of RELOAD_HOOK, then PROBE_COMMAND
	run -0 pass acme
	said '.event == "cert.proven"'
	[[ $(<hook.out) == '[--][%s][web]['*']['* ]]
	sed -i '/^PROBE_COMMAND/d' certs.d/web.conf
	rm "$dir/the store/web/proven"
	run -0 pass acme
	[[ $(<hook.out) == "[-n][\$(touch][got)][*]['x][y][web]["* ]]
	cmp "$dir/a b/\$(c) -rt" "$PKI/web.chain.pem"
	openssl pkey -in "$dir/-key" -noout
	[ -z "$(find . -name got)" ]
	run -0 eca-status -c certs.d
}

@test "acme-agent: a backslash in a name is one" {
	local dir
	dir=$PWD/'a\tb\n'
	make_crl "$PKI" int crl.pem revoke="$PKI/web.pem"
	conf web acme ARI=false CRL_ENABLED=true CRL_CACHE_PATH="$dir/crl" \
	    CRL_URL=http://127.0.0.1:9/
	sed -i "/^STATE_DIR/d" certs.d/defaults
	printf '%s\n' "STATE_DIR=$dir" >>certs.d/defaults
	mkdir store "$dir"
	cp crl.pem "$dir/crl"
	touch "$dir/crl.stamp"
	cert-deploy -k "$PKI/web.key" store/web "$PKI/web.chain.pem"
	cert-commit store/web
	run -75 pass acme
	said '.event == "cert.revoked" and .name == "web"'
	said '.event == "ca.not_ready"'
}

@test "acme-agent: a stable name that cannot be made costs nothing" {
	local path old
	make_cert "$PKI" next san=DNS:web.example
	mkdir -p certs/there
	touch certs/there/file
	hook :
	for path in /proc/none/cert.pem "$PWD/hook/cert.pem" "$PWD/certs"; do
		unproven
		run -0 pass acme
		old=$(readlink store/web/current)
		cert-deploy -k "$PKI/next.key" store/web "$PKI/next.chain.pem"
		conf web acme ARI=false CERT_PATH="$path"
		: >log.json
		run -75 pass acme
		said ".event == \"link.failed\" and .path == \"$path\" and
		    (.reason | length) > 10"
		said '.event == "cert.rolled_back"'
		[ "$(readlink store/web/current)" = "$old" ]
		[ -e certs/there/file ]
		run -0 pass acme
	done
}

@test "acme-agent: names that look like options are refused" {
	local name
	conf web acme
	for name in - -n -e --help; do
		cp certs.d/web.conf "./certs.d/$name.conf"
		run -2 --separate-stderr acme-agent -t -c certs.d
		assert_stderr_line "agent-conf: certs.d/$name.conf: not a name for a certificate; up to 64 letters, digits, . _ and - are, no - first"
		rm "./certs.d/$name.conf"
	done
}

@test "acme-agent: a value has one line" {
	local value
	conf web acme
	for value in '\n' '\r' '\u0000' '\u001b'; do
		printf '{"PROTOCOL":"acme","CA_URL":"%s","DOMAIN_NAME":"a",
		    "RELOAD_HOOK":"/bin/true a%sSTATE_DIR=/x"}' "$ACME" \
		    "$value" >certs.d/bad.json
		run -2 --separate-stderr acme-agent -t -c certs.d
		[[ $stderr == 'agent-conf: certs.d/bad.json:'* ]]
	done
	rm certs.d/bad.json
	printf 'CRL_CACHE_PATH=/tmp/a\tb\n' >>certs.d/web.conf
	run -2 --separate-stderr acme-agent -t -c certs.d
	[[ $stderr == *': CRL_CACHE_PATH: '*'a tab in it'* ]]
	sed -i '/^CRL_/d' certs.d/web.conf
	run -2 env DOMAIN_NAME=$'a\nCA_URL=https://b' acme-agent -t -c certs.d
	run -2 env LOG_TO=$'/x\ny' acme-agent -t -c certs.d
}

@test "acme-agent: a hook that says too much is cut short" {
	local last
	# shellcheck disable=SC2016	# for the hook
	for last in 'tr "\0" x' 'tr "\0" "\1"' 'tr "\0" "\377"' cat \
	    'tr "\0" "\n"'; do
		hook "head -c 2000000 /dev/zero | $last >&2; exit 3"
		unproven
		: >log.json
		run -75 pass acme
		run -1 grep -av '^{.*}$' log.json
		[ "$(wc -L <log.json)" -lt 8192 ]
		said '.event == "reload.failed" and .exit == 3 and
		    (.reason | length) > 10'
		state web '.failures == 1 and (.reason | length) <= 1000'
		run -0 pass acme
	done
	run -1 eca-status -c certs.d -f nagios
	[ "${#lines[@]}" -eq 1 ]
}

@test "acme-agent: a hook that stays behind does not hold the agent" {
	# shellcheck disable=SC2016	# for the hook
	hook 'sleep 30 & echo $! >pid'
	unproven
	SECONDS=0
	acme-agent -1 -c certs.d 2>&1 3>&- 4>&- | cat >log.json
	[ "$SECONDS" -lt 10 ]
	bg_pids+=("$(<pid)")
	[ ! -e "/proc/$(<pid)/fd/9" ]
	proven
	flock -n agent/acme.lock true
}

@test "acme-agent: closed standard streams do not get what is not theirs" {
	local how
	hook 'echo hello >&2'
	for how in '<&-' '>&-' '2>&-' '<&- >&-' '<&- >&- 2>&-'; do
		unproven
		run -0 sh -c "exec acme-agent -1 -c certs.d $how"
		proven
		unproven LOG_TO=
		echo "LOG_TO=$PWD/own.json" >>certs.d/defaults
		rm -f own.json
		run -0 sh -c "exec acme-agent -1 -c certs.d $how"
		proven
		[ "$(jq -r .event own.json)" = $'service.reloaded\ncert.proven' ]
	done
}

@test "acme-agent: a log that is full does not end the work" {
	hook :
	unproven
	run -0 sh -c 'exec acme-agent -1 -c certs.d 2>/dev/full'
	proven
	unproven
	echo LOG_TO=/dev/full >>certs.d/defaults
	run -0 pass acme
	said '.event == "cert.proven"'
	proven
}

@test "acme-agent: a state that is broken heals" {
	local text
	hook 'exit 1'
	for text in x '{}' '[]' '{"failures":2}{"failures":"x"}' '{"failures":
	    1e300,"last_success":"x","last_attempt":7}' dir; do
		unproven
		mkdir -p agent/state/web
		if [ "$text" = dir ]; then
			mkdir -p agent/state/web/state.json/x
		else
			printf '%s' "$text" >agent/state/web/state.json
		fi
		run -75 pass acme
		state web '.result == "failed" and .failures == 1 and
		    .last_success == null'
		run -0 --separate-stderr cert-plan -c certs.d acme
		[ -z "$stderr" ]
	done
}

@test "acme-agent: certs.d that changes during a pass" {
	hook 'rm certs.d/z.conf; echo COLOUR=red >certs.d/new.conf'
	unproven
	conf z acme
	run -2 pass acme
	said '.event == "cert.proven" and .name == "web"'
	[ "$(jq -rR 'fromjson? | select(.name == "z").event' log.json)" = \
	    config.unusable ]
	proven
	rm certs.d/new.conf
	run -0 pass acme
	tidy web
}

@test "acme-agent runs in the shells there are" {
	local shell
	hook 'echo "no" >&2; exit 4'
	for shell in dash 'busybox ash' 'bash --posix'; do
		require "${shell%% *}"
		unproven
		: >log.json
		# shellcheck disable=SC2086	# words
		run -75 $shell "$ECA_ROOT/sh/acme-agent" -1 -c certs.d
		echo "$output" >log.json
		said '.event == "reload.failed" and .exit == 4 and
		    .reason == "no"'
		state web '.failures == 1'
		# shellcheck disable=SC2086	# words
		run -1 $shell "$ECA_ROOT/sh/eca-status" -c certs.d
		[[ ${lines[1]} == 'web '* ]]
	done
}
