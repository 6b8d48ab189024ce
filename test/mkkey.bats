#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return
}

# describe FILE: the first line of openssl's description of the key.
describe() {
	run -0 openssl pkey -in "$1" -noout -text
	description=$output
}

@test "mkkey keeps the contract of all commands" {
	run -0 contract mkkey
}

@test "mkkey writes a P-256 key as PKCS#8 to a pipe" {
	run -0 --separate-stderr mkkey
	[ "${lines[0]}" = '-----BEGIN PRIVATE KEY-----' ]
	[ "${lines[-1]}" = '-----END PRIVATE KEY-----' ]
	[ -z "$stderr" ]
	printf '%s\n' "$output" >key.pem
	describe key.pem
	[[ $description == *'NIST CURVE: P-256'* ]]
}

@test "mkkey -t makes each type it names, in upper and lower case" {
	while read -r type word; do
		run -0 --separate-stderr mkkey -t "$type" -o "$type.pem"
		[ -z "$output$stderr" ]
		run -0 openssl pkey -in "$type.pem" -noout -check
		describe "$type.pem"
		[[ $description == *"$word"* ]]
	done <<-'END'
	P-256 NIST CURVE: P-256
	p-384 NIST CURVE: P-384
	ed25519 ED25519 Private-Key:
	Ed25519 ED25519 Private-Key:
	rsa2048 Private-Key: (2048 bit
	RSA3072 Private-Key: (3072 bit
	rsa4096 Private-Key: (4096 bit
	END
}

@test "mkkey -t refuses an unknown type and names the known ones" {
	for type in rsa1024 P-521 '' dsa; do
		run -2 --separate-stderr mkkey -t "$type" -o new.pem
		[ -z "$output" ]
		assert_stderr_line "mkkey: $type: not a key type; one of\
 rsa2048, rsa3072, rsa4096, P-256, P-384, Ed25519"
		[ ! -e new.pem ]
	done
}

@test "mkkey masks control characters in what it says about a type" {
	run -2 --separate-stderr mkkey -t $'\033[31mx'
	[[ $stderr == 'mkkey: \x1b[31mx: not a key type;'* ]]
}

@test "mkkey makes another key each time" {
	mkkey -o a.pem
	mkkey -o b.pem
	run -1 cmp -s a.pem b.pem
}

@test "mkkey -o makes a file of mode 0600 and writes nothing to stdout" {
	for mask in 000 077 0777; do
		run -0 --separate-stderr \
		    sh -c 'umask "$1" && mkkey -o "key.$1"' sh "$mask"
		[ -z "$output$stderr" ]
		run -0 stat -c %a "key.$mask"
		[ "$output" = 600 ]
	done
	run -0 ls -A
	[ "$output" = $'key.000\nkey.077\nkey.0777' ]
}

@test "mkkey -o never overwrites" {
	echo precious >key.pem
	chmod 0644 key.pem
	run -2 --separate-stderr mkkey -o key.pem
	[ -z "$output" ]
	assert_stderr_line \
	    'mkkey: key.pem: exists; a key is never overwritten'
	[ "$(cat key.pem)" = precious ]
	[ "$(ls -A)" = key.pem ]
}

@test "mkkey -o follows no link, dangling or not" {
	: >there
	ln -s there link
	ln -s nowhere dangling
	run -2 --separate-stderr mkkey -o link
	assert_stderr_line 'mkkey: link: exists; a key is never overwritten'
	run -2 --separate-stderr mkkey -o dangling
	assert_stderr_line \
	    'mkkey: dangling: not a regular file; name the file itself'
	[ ! -s there ]
	[ ! -e nowhere ]
}

@test "mkkey -o needs a name and a directory to put it in" {
	mkdir dir
	: >plain
	run -2 --separate-stderr mkkey -o dir
	assert_stderr_line 'mkkey: dir: exists; a key is never overwritten'
	run -2 --separate-stderr mkkey -o new/
	assert_stderr_line 'mkkey: new: No such file or directory'
	run -2 --separate-stderr mkkey -o no/such/key.pem
	assert_stderr_line 'mkkey: no/such: No such file or directory'
	run -2 --separate-stderr mkkey -o plain/key.pem
	assert_stderr_line 'mkkey: plain: Not a directory'
	run -2 --separate-stderr mkkey -o ''
	assert_stderr_line 'mkkey: : not a regular file; name the file itself'
}

@test "mkkey -o gives one winner when many want the same name" {
	for i in 1 2 3 4 5 6 7 8; do
		(
			rc=0
			mkkey -o key.pem 2>"../err.$i" || rc=$?
			echo "$rc" >"../rc.$i"
		) 3>&- &
	done
	wait
	[ "$(cat ../rc.* | sort | tr -d '\n')" = 02222222 ]
	run -0 grep -hc 'key.pem: .*exists' ../err.*
	[ "$(printf '%s\n' "${lines[@]}" | sort | tr -d '\n')" = 01111111 ]
	run -0 openssl pkey -in key.pem -noout -check
	[ "$(ls -A)" = key.pem ]
}

@test "mkkey refuses a world-readable file as stdout, also a group-writable" {
	for mode in 0644 0604 0602 0660; do
		: >out
		chmod "$mode" out
		run -2 --separate-stderr sh -c 'mkkey >>out'
		assert_stderr_line "mkkey: stdout: a file of mode $mode that\
 others could read; use -o file, or umask 077"
		[ ! -s out ]
	done
}

@test "mkkey writes to a private file as stdout, group-readable included" {
	for mode in 0600 0640; do
		: >out
		chmod "$mode" out
		run -0 sh -c 'mkkey >out'
		run -0 openssl pkey -in out -noout -check
	done
}

@test "mkkey refuses a terminal as stdout" {
	require script
	run -2 script -qec 'mkkey' /dev/null
	[[ $output == *'mkkey: stdout: a terminal; use -o file for a key'* ]]
	[[ $output != *PRIVATE* ]]
}

@test "mkkey leaves nothing when the disk is full" {
	require unshare
	unshare -rm true 2>/dev/null || skip 'no user namespaces here'
	mkdir small
	cat >full.sh <<-'END'
	mount -t tmpfs -o size=4k,nr_inodes=8 none small
	cd small
	head -c 4096 /dev/zero >filler
	rc=0
	mkkey -o key.pem || rc=$?
	ls -A
	exit $rc
	END
	run -2 --separate-stderr unshare -rm sh full.sh
	[ "$output" = filler ]
	assert_stderr_line 'mkkey: key.pem: No space left on device'
}

@test "mkkey does not leave a half-made key when it is ended" {
	for _ in 1 2 3 4 5 6; do
		mkkey -t rsa4096 -o key.pem 3>&- &
		pid=$!
		sleep 0.0$((RANDOM % 9))
		kill -TERM "$pid"
		wait "$pid" || true
		if [ -e key.pem ]; then
			run -0 openssl pkey -in key.pem -noout -check
			rm key.pem
		fi
		[ -z "$(ls -A)" ]
	done
}
