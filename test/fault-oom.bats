#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The commands that ask nobody, with memory that runs out; see oom.bash.

load oom

# A program that allocates ten times, and so does its child.
twenty() {
	cat >twenty.c <<-'END'
	#include <sys/wait.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <unistd.h>
	static void
	ten(int from)
	{
		char text[8];
		void *volatile p;
		int i;
		for (i = from; i < from + 10; i++) {
			p = i % 2 ? malloc(7) : calloc(7, 1);
			if (p == NULL)
				(void)!write(1, text, (size_t)snprintf(text,
				    sizeof(text), "%d ", i));
			free(p);
		}
	}
	int
	main(int argc, char **argv)
	{
		ten(1);
		if (fork() == 0) {
			ten(11);
			_exit(0);
		}
		wait(NULL);
		if (argc > 1)
			execv(argv[1], argv + 1);
		return 0;
	}
	END
	"${CC:-cc}" -D_GNU_SOURCE -O1 -o twenty twenty.c
}

# Each with memory for all but what is said.
short_of() {
	env OOM_COUNT=count LD_PRELOAD="$OOM_SO" "$@"
}

@test "oom.so counts the allocations of a program and of its children" {
	twenty
	run -0 short_of ./twenty
	[ -z "$output" ]
	[ "$(od -An -t d8 count)" -eq 20 ]
	# what it executes has no part in it
	run -0 short_of ./twenty ./twenty
	[ "$(od -An -t d8 count)" -eq 20 ]
	run -125 env OOM_COUNT=no/count LD_PRELOAD="$OOM_SO" ./twenty
}

@test "oom.so lets the one allocation fail, or all from there" {
	twenty
	run -0 short_of OOM_AT=3 ./twenty
	[ "$output" = '3 ' ]
	run -0 short_of OOM_AT=15 ./twenty
	[ "$output" = '15 ' ]
	run -0 short_of OOM_AT=18 OOM_STICKY=1 ./twenty
	[ "$output" = '18 19 20 ' ]
	run -0 short_of OOM_AT=21 OOM_STICKY=1 ./twenty
	[ -z "$output" ]
}

# program NAME CODE: p is what malloc gave, maybe NULL.
program() {
	printf '#include <%s.h>\n' err stdio stdlib string unistd >"$1.c"
	printf 'int main(void) { char *volatile p = malloc(7);\n%s\n}\n' "$2" \
	    >>"$1.c"
	"${CC:-cc}" -D_GNU_SOURCE -O1 -o "$1" "$1.c"
}

@test "starve finds no fault in a program that is right" {
	program right 'if (p == NULL) errx(2, "memory");
		puts("good"); fflush(stdout); _exit(0);'
	run -0 --separate-stderr starve nothing same -- "$PWD/right"
	[[ $output == 'allocations: '*', failed: 1, broken: 0' ]]
	[ -z "$stderr" ]
	# a status of its own is fine too, when it is always that one
	program no 'if (p == NULL) errx(2, "memory"); _exit(1);'
	run -0 starve nothing same -- "$PWD/no"
	# stdout that cannot be had is stdout that is not used
	program silent 'if (p == NULL) errx(75, "memory"); _exit(0);'
	run -0 starve -s nothing same -- "$PWD/silent"
}

@test "starve finds what is wrong in a program" {
	local what code
	while IFS='|' read -r what code; do
		program wrong "setvbuf(stdout, NULL, _IONBF, 0);
			if (p == NULL) { $code } puts(\"good\"); _exit(0);"
		run -1 starve -t 2 nothing same -- "$PWD/wrong"
		[[ $output == *"starve: allocation 1: exit $what"* ]] ||
		    { echo "$code: $output"; return 1; }
		[[ $output == *', tried: 1, '*', broken: 1' ]]
	done <<-'END'
	139: neither done nor an error|*(volatile char *)8 = 1;
	134: neither done nor an error|abort();
	124: neither done nor an error|pause();
	1: neither done nor an error|errx(1, "memory");
	0: the check fails, done|puts("bad");
	2: something on stdout|puts("goo"); errx(2, "memory");
	2: badly told|return 2;
	2: badly told|fputs("memory\n", stderr); _exit(2);
	2: badly told|warnx("1"); warnx("2"); warnx("3"); warnx("4"); errx(2, "");
	END
	# an error is no excuse for what it leaves behind
	program wrong 'if (p == NULL) errx(2, "memory"); _exit(0);'
	# shellcheck disable=SC2016	# for check itself
	echo '[ "$1" = done ]' >never
	run -1 starve nothing never -- "$PWD/wrong"
	[[ $output == *'allocation 1: exit 2: the check fails'* ]]
}

@test "starve refuses what is no test" {
	program none '_exit(0);'
	echo false >no
	run -2 starve nothing no -- "$PWD/none"
	[ "${lines[-1]}" = 'starve: the check fails without a fault' ]
	sed 's/malloc(7)/NULL/' none.c >never.c
	"${CC:-cc}" -o never never.c
	run -2 starve nothing nothing -- "$PWD/never"
	[ "$output" = 'starve: the command allocates nothing' ]
	# shellcheck disable=SC2016	# for the inner shell
	run -2 starve nothing nothing -- sh -c 'kill -KILL $$'
	[[ $output == *'starve: the command fails by itself: exit 137'* ]]
	run -2 starve nothing nothing "$PWD/none"
	[[ $output == 'usage: starve '* ]]
	OOM_SO=$PWD/missing run -2 starve nothing nothing -- "$PWD/none"
	[ "$output" = 'starve: OOM_SO: not there' ]
}

# mkkey: a whole key, or none and no file.
key_scripts() {
	cat >check-out <<-'END'
	[ "$1" = failed ] || openssl pkey -in "$out" -noout -check >/dev/null
	END
	cat >check-file <<-'END'
	if [ "$1" = failed ]; then
		[ -z "$(ls -A)" ]
	else
		[ "$(ls -A)" = key.pem ]
		[ "$(stat -c %a key.pem)" = 600 ]
		openssl pkey -in key.pem -noout -check >/dev/null
	fi
	END
}

@test "mkkey without memory makes no key and no file" {
	key_scripts
	local type
	for type in P-256 P-384 Ed25519; do
		starved 1000 nothing check-out -- mkkey -t "$type"
		starved 1000 nothing check-file -- mkkey -t "$type" -o key.pem
	done
}

@test "mkcsr without memory makes no request" {
	csr_scripts
	starved 1000 nothing check-csr -- mkcsr -k "$DIR/key.pem" \
	    -d a.example -d '*.b.example' -i 192.0.2.1 -N CN=device,O=Factory
	starved 1000 nothing same -- mkcsr -k "$DIR/ed.pem" -d a.example \
	    -D URI:https://a.example/ -D email:a@a.example
	starved 1000 nothing same -- mkcsr -k "$DIR/ed.pem" \
	    -x "$CA/a.example.pem"
}

@test "cert-expiry without memory does not call anything fresh" {
	cat "$CA/a.example.chain.pem" "$CA/a.example.key" "$CA/root.pem" >all
	local at form now
	now=$(date +%s)
	# fresh, and not
	for at in "$now" 4000000000; do
		for form in json prometheus; do
			starved 50 -i all nothing same -- \
			    cert-expiry -T "$at" -f "$form"
		done
		starved 50 -e 3 nothing same -- \
		    cert-expiry -T "$at" -f nagios "$DIR/all"
	done
}

@test "cert-verify without memory says neither yes nor no" {
	local now
	now=$(date +%s)
	starved 1000 nothing same -- cert-verify -T "$now" -B "$CA/root.pem" \
	    -k "$CA/a.example.key" -n a.example -p server \
	    "$CA/a.example.chain.pem"
	starved 1000 -i "$CA/a.example.chain.pem" nothing same -- \
	    cert-verify -T "$now" -B "$CA/int.pem" -n b.example -p client
	make_cert . other issuer=self
	starved 1000 nothing same -- cert-verify -T "$now" -B "$DIR/other.pem" \
	    -n a.example "$CA/a.example.chain.pem"
}

@test "csr-check without memory says neither yes nor no" {
	openssl req -new -key "$CA/a.example.key" -subj /CN=a.example \
	    -addext subjectAltName=DNS:a.example -out req.csr
	printf '%s\n' DNS_NAMES=.b.example 'IP_NAMES=::/0' >policy
	starved 500 nothing same -- csr-check -x "$CA/a.example.pem" \
	    "$DIR/req.csr"
	starved 500 -i req.csr nothing same -- csr-check -b "$DIR/policy"
}

# Unknown is no answer either: memory is not what makes it so.
@test "crl-check without memory says neither good nor revoked" {
	local now
	now=$(date +%s)
	make_ca .
	make_cert . good
	make_cert . bad
	openssl ca -config db/int.cnf -keyfile int.key -cert int.pem \
	    -revoke bad.pem -crl_reason superseded
	openssl ca -gencrl -config db/int.cnf -keyfile int.key -cert int.pem \
	    -crldays 30 -out ca.crl
	openssl crl -in ca.crl -outform DER -out ca.der
	for name in good bad; do
		starved 1000 nothing same -- crl-check -T "$now" \
		    -B "$DIR/root.pem" -R "$DIR/ca.crl" "$DIR/$name.chain.pem"
		starved 1000 nothing same -- crl-check -T "$now" \
		    -B "$DIR/root.pem" -R "$DIR/ca.der" "$DIR/$name.chain.pem"
	done
}

# cert-deploy: an error leaves the old pair, but maybe a generation besides
# that is not current; the next run goes well and heals the rest.
deploy_scripts() {
	make_cert "$DIR" old san=DNS:a.example issuer=self
	make_cert "$DIR" new san=DNS:a.example issuer=self
	cert-deploy -k old.key made old.chain.pem
	echo 'cp -a "$DIR/made" store' >setup-store
	cat >check-store <<-'END'
	is() {
		[ "$(cat store/current/fullchain.pem)" = "$(cat "$DIR/$1.pem")" ]
		[ "$(cat store/current/key.pem)" = "$(cat "$DIR/$1.key")" ]
	}
	if [ "$1" = failed ]; then
		is old
		cert-deploy -k "$DIR/new.key" store "$DIR/new.chain.pem" >path
	else
		[ -s "$out" ]
		[ "$(ls store/gen | wc -l)" -eq 2 ]
	fi
	is new
	[ "$(ls -A store)" = "$(printf '%s\n' current gen previous)" ]
	[ -z "$(find store -name '.*')" ]
	END
}

@test "cert-deploy without memory leaves the old pair" {
	deploy_scripts
	starved 1000 setup-store check-store -- \
	    cert-deploy -k "$DIR/new.key" store "$DIR/new.chain.pem"
}

@test "cert-deploy -f without memory leaves the old pair" {
	deploy_scripts
	(umask 077 && echo secret >pass)
	starved 1000 setup-store check-store -- \
	    cert-deploy -f minio -f pfx -U "$DIR/pass" -k "$DIR/new.key" \
	    store "$DIR/new.chain.pem"
}

# An error leaves what was current; the next run goes well.
@test "cert-commit and cert-rollback without memory keep what is current" {
	deploy_scripts
	cert-deploy -k new.key made new.chain.pem
	cat >check-commit <<-'END'
	[ "$1" != failed ] || cert-commit store
	cmp store/current/key.pem "$DIR/new.key"
	[ "$(ls -A store)" = "$(printf '%s\n' current gen proven)" ]
	[ "$(find store/gen -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
	END
	starved 3 setup-store check-commit -- cert-commit store
	cat >check-rollback <<-'END'
	if [ "$1" = failed ]; then
		cmp store/current/key.pem "$DIR/new.key"
		cert-rollback store
	fi
	cmp store/current/key.pem "$DIR/old.key"
	[ "$(ls -A store)" = "$(printf '%s\n' current gen previous)" ]
	END
	starved 100 setup-store check-rollback -- cert-rollback store
}

# What cannot be read counts as not there for cert-plan, but not for want of
# memory.
@test "agent-conf and cert-plan without memory say nothing, or all" {
	local now serial
	now=$(date +%s)
	mkdir certs.d
	printf '%s\n' "STATE_DIR=$DIR/agent" "CA_ROOT=$CA/root.pem" \
	    CA_URL=https://ca.example PROTOCOL=acme >certs.d/defaults
	printf '%s\n' 'DOMAIN_NAME=a.example 192.0.2.1' CRL_ENABLED=true \
	    CRL_URL=http://ca.example/ca.crl KEY_PATH=/nowhere/key \
	    >certs.d/web.conf
	echo '{"PROTOCOL": "est", "DOMAIN_NAME": "b.example"}' \
	    >certs.d/mail.json
	printf '%s\n' DOMAIN_NAME=, COLOUR=red >bad
	mkdir -p agent/store agent/state/web
	cert-deploy -k "$CA/a.example.key" agent/store/web \
	    "$CA/a.example.chain.pem"
	cert-deploy -k "$CA/a.example.key" agent/store/web \
	    "$CA/a.example.chain.pem"
	cert-rollback agent/store/web
	serial=$(cert-expiry "$CA/a.example.pem" | jq -r .serial)
	echo "{\"serial\":\"$serial\",\"asked_at\":\"2026-01-01T00:00:00Z\"}" \
	    >agent/state/web/ari.json
	echo '{"result":"failed","reason":"x","failures":2}' \
	    >agent/state/web/state.json
	starved 100 nothing same -- agent-conf -c "$DIR/certs.d" acme
	starved 100 nothing same -- agent-conf -c "$DIR/certs.d" -f json acme
	starved 100 nothing same -- cert-plan -c "$DIR/certs.d" -T "$now" acme
	starved 100 nothing same -- \
	    cert-plan -c "$DIR/certs.d" -T "$now" -f lines acme
	mv bad certs.d/bad.conf
	starved 100 nothing same -- agent-conf -c "$DIR/certs.d" acme
}

@test "file-replace without memory leaves the old file" {
	seq 2 20000 >new
	echo 'seq 1 20000 >target' >setup
	cat >check <<-'END'
	if [ "$1" = failed ]; then
		seq 1 20000 | cmp - target
	else
		cmp target "$DIR/new"
	fi
	[ "$(ls -A)" = target ]
	END
	starved 3 -i new setup check -- file-replace target
}

@test "log-json without memory writes no line" {
	printf '%s\n' token=abc note=x >facts
	starved 3 -i facts nothing same -- \
	    log-json -T 1800000000 INFO agent cert.renewed serial=1 n:=2 -
}
