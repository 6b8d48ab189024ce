#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# reload-minio with a real MinIO, which takes minutes to build.

load helper

setup() {
	require minio
	cd "$BATS_TEST_TMPDIR" || return
	make_cert "$CA" new.example san=DNS:a.example,IP:127.0.0.1
	hook=$ECA_ROOT/etc/hooks/reload-minio
	deploy a.example
	mkdir certs
	ln -s "$PWD/store/current/fullchain.pem" certs/public.crt
	ln -s "$PWD/store/current/key.pem" certs/private.key
}

teardown() {
	stop_bg
}

deploy() {
	cert-deploy -k "$CA/$1.key" store "$CA/$1.chain.pem" >generation
	call=(minio "$(<generation)" 1A)
}

# start DIR: MinIO with these certificates.
start() {
	port=$(free_port)
	mkdir home data
	start_bg env HOME="$PWD/home" MINIO_BROWSER=off MINIO_UPDATE=off \
	    MINIO_ROOT_USER=somebody MINIO_ROOT_PASSWORD=12345678 \
	    minio server --certs-dir "$1" --address "127.0.0.1:$port" data
	echo "$bg" >minio.pid
	wait_for 60 serves a.example
}

serial() { openssl x509 -noout -serial -in "$1"; }

# serves NAME: MinIO shows this certificate.
serves() {
	tls-peek -m 5 -A "$CA/root.pem" "127.0.0.1:$port" \
	    >peek.pem 2>peek.err &&
	    [ "$(serial peek.pem)" = "$(serial "$CA/$1.pem")" ]
}

@test "reload-minio: MinIO serves the new certificate" {
	start certs
	deploy new.example
	run -0 "$hook" certs minio.pid "${call[@]}"
	[ -z "$output" ]
	wait_for 5 serves new.example
	# again, and found by its name
	deploy a.example
	run -0 "$hook" certs "${call[@]}"
	wait_for 5 serves a.example
}

# copies: the names MinIO wants, beside those of cert-deploy.
copies() {
	cp store/current/fullchain.pem store/current/public.crt
	cp -p store/current/key.pem store/current/private.key
}

# Left alone it looks at linked files every ten seconds, not at what is above.
@test "reload-minio: what MinIO does not see by itself it sees after HUP" {
	rm -r certs
	copies
	ln -s store/current certs
	start certs
	deploy new.example
	copies
	sleep 15
	serves a.example
	run -0 "$hook" certs minio.pid "${call[@]}"
	wait_for 5 serves new.example
}

@test "reload-minio: a generation that is gone does not stop MinIO" {
	start certs
	deploy new.example
	mv store/current away
	run -2 "$hook" certs minio.pid "${call[@]}"
	[ "$output" = 'reload-minio: certs/public.crt: leads nowhere' ]
	serves a.example
}
