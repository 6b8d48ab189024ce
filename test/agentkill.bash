# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154	# lines and stderr: of run
# acme-agent and est-agent with a fault at each call that changes a file; for
# bats files that load helper and have only such tests: setup_file (step-ca, a
# webroot, lighttpd with est-ra, killat, and what the passes begin with),
# teardown_file and setup are here.
#
#   kill_table acme|est START CALLS STEP [OPTION ...]
#                       sweep with these options over a pass that makes so many
#                       calls or more, each STEP-th of them; none is broken, and
#                       a line of the table is printed.  START: renew (a proven
#                       certificate is there, renewal is forced), first (there
#                       is none), adopt (there is one, as plain files), retry
#                       (one was rolled back)
#
# After the fault the key and certificate that are current belong together, are
# valid and not older than before, and so is what the stable names lead to.  Then
# comes one ordinary pass, an hour later: all is well, and nothing is left of
# what was under way.

load fault
load servers
load estra
load agent

setup_file() {
	killat_runs || return 0
	make_killat
	export KILL=$BATS_FILE_TMPDIR/kill
	export PREP=$BATS_FILE_TMPDIR/prep WWW=$BATS_FILE_TMPDIR/www
	both_cas
	mkdir www prep kill
	server webroot http01-serve -l "127.0.0.1:$HTTP_PORT" -w "$WWW"
	wait_port "$HTTP_PORT"
	kill_hooks
	kill_scripts
	prepare acme CHALLENGE_LISTEN= CHALLENGE_DIR="$WWW"
	prepare est BOOTSTRAP_TOKEN_FILE="$PREP/est.first/token" \
	    RECOVERY_COMMAND="$KILL/recover"
}

# What the service does: it loads what the stable names lead to.  And what helps
# when a token was spent for a certificate that nobody got.
kill_hooks() {
	cat >"$KILL/hook" <<-'END'
	#!/bin/sh
	set -eu
	cd "$1"
	[ ! -e refuse ]
	cmp live/web.crt "$3/fullchain.pem"
	cmp live/web.key "$3/key.pem"
	echo "$4" >>served
	sync served
	END
	cat >"$KILL/recover" <<-'END'
	#!/bin/sh
	set -eu
	cat >request
	step-ott -u "$EST_URL" -P jwk -k "$EST_KEY" request |
	    step-sign -u "$EST_URL" -A "$ROOT" -U - request
	rm request
	END
	chmod +x "$KILL/hook" "$KILL/recover"
}

teardown_file() {
	end_servers
}

setup() {
	fault_setup
}

# prepare PROTOCOL KEY=value ...: what its passes begin with.
prepare() {
	mkdir -p "$PREP/$1.first/live"
	cd "$PREP/$1.first" || return
	conf web "$1" CERT_PATH="$PWD/live/web.crt" \
	    KEY_PATH="$PWD/live/web.key" RELOAD_HOOK="$KILL/hook $PWD" "${@:2}"
	prepared "$1" renew "$1.first"
	"$1-agent" -1 -c certs.d
	prepared "$1" adopt "$1.first"
	cp -L "$PREP/$1.renew"/live/* live
	prepared "$1" retry "$1.renew"
	sleep 1.1	# generations are ordered by the second
	: >refuse
	run -75 "$1-agent" -1 -c certs.d -y web
	rm refuse agent/state/web/state.json
	cd "$BATS_FILE_TMPDIR" || return
}

# prepared PROTOCOL NEW OLD: the directory OLD once more; now the current one.
prepared() {
	mkdir "$PREP/$1.$2"
	cd "$PREP/$1.$2" || return
	START=$3 sh -eu "$KILL/setup"
}

kill_scripts() {
	cat >"$KILL/setup" <<-'END'
	umask 077
	cp -a "$PREP/$START/." .
	sed -i "s|$PREP/[a-z]*\.[a-z]*|$PWD|g" certs.d/*
	rm -rf "$WWW/.well-known"
	[ "$START" != est.first ] || est-token -d "$EST_DIR/tokens" add >token
	: >before
	[ ! -e live/web.crt ] || cert-expiry live/web.crt | head -n 1 >before
	END
	cat >"$KILL/again" <<-'END'
	state=agent/state/web/state.json
	if [ -s "$state" ]; then
		jq '.last_attempt |= (fromdate - 3600 | todate)' \
		    "$state" >../state.json
		cat ../state.json >"$state"
	fi
	"$AGENT" -1 -c certs.d
	END
	cat >"$KILL/check" <<-'END'
	phase=$1 status=$2 said=$3
	cat "$said"
	# at NAME FILE: where there is such a name, it leads to this file
	at() {
		[ ! -L "$1" ] || [ "$1" -ef "$2" ]
	}
	# What is noted for later may be missing: the next order notes which
	# account it has; a token that is gone need not be in tokens.used.
	# Who could not adopt has ordered, so there is an account; who orders
	# has one.
	files() {
		find agent store live ! -path 'store/web/gen/*' \
		    ! -name '*.json' ! -name '*.before-*' \
		    ! -name 'account.pem*' ! -name tokens.used | sort
	}
	if [ -L store/web/current ]; then
		now=$(cd -P store/web/current && pwd)
		cert-verify -B "$ROOT" -k "$now/key.pem" -n web.example \
		    "$now/fullchain.pem"
		cert-expiry "$now/cert.pem" >now
		jq -es '.[0].not_before <= .[-1].not_before' before now
		at live/web.crt "$now/fullchain.pem"
		at live/web.key "$now/key.pem"
	else
		[ "$phase" = fault ]
		[ "${START#*.}" = adopt ] || [ ! -s before ]
		[ -s before ] || [ -z "$(ls live)" ]
	fi
	if [ -s before ]; then
		cert-verify -B "$ROOT" -k live/web.key live/web.crt
		[ ! -e "$PREP/$START/agent/account.pem" ] ||
		    cmp agent/account.pem "$PREP/$START/agent/account.pem"
	fi
	if [ "$status" -ne 0 ] && [ "$status" -ne 120 ]; then
		[ -s "$said" ]
	fi
	if [ "$phase" = 'done' ]; then
		# the first time there was no fault
		[ -e ../files ] || files >../files
		files | diff ../files -
		[ -z "$(grep -E '/\.|/tmp|previous|pending' ../files)" ]
		[ "$status" -eq 0 ]
		case $START in
		acme.adopt | est.*) ;;
		*) [ -s agent/account.pem ] ;;
		esac
		[ -z "$(find "$WWW" -type f)" ]
		[ "${START#*.}" = adopt ] || [ ! -e token ] || grep -qx \
		    "$(sha256sum <token | cut -c 1-64)" agent/tokens.used
		[ live/web.crt -ef store/web/current/fullchain.pem ]
		[ "${START#*.}" = adopt ] ||
		    [ "$(tail -n 1 served)" = "$(jq -r .serial now)" ]
		[ "$(ls store/web/gen | wc -l)" -eq 1 ]
	fi
	END
	sed -i 's/^\t//' "$KILL"/*
}

kill_table() {
	local step=$4
	export START=$1.$2 AGENT=$1-agent
	case $ECA_BIN in
	*/san/bin) step=$((step * 3)) ;;	# these take their time
	esac
	set -- "$1" "$2" "$3" "${*:5}" -n "$step" "${@:5}" -r "$KILL/again" \
	    "$KILL/setup" "$KILL/check" -- "$AGENT" -1 -c certs.d
	[ "$2" != renew ] || set -- "$@" -y web
	swept "$(($3 / step))" "${@:5}"
	printf '# points tried: %d, broken pairs: 0 (%s, %s, %s)\n' \
	    "${BASH_REMATCH[1]}" "$AGENT" "$2" "${4:-killed}" >&3
}
