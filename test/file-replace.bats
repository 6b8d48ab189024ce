#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" || return
	echo old >old
	echo new >../new
}

teardown() {
	stop_bg
}

# replace [ARGS...]: with "new" as stdin.
replace() { file-replace "$@" <../new; }

mode_of() { stat -c %a "$1"; }

@test "file-replace keeps the contract of all commands" {
	run -0 contract file-replace
}

@test "file-replace makes a new file and replaces an old one, silently" {
	for target in fresh old; do
		run -0 --separate-stderr replace "$target"
		[ -z "$output$stderr" ]
		[ "$(cat "$target")" = new ]
	done
	[ "$(ls -A)" = $'fresh\nold' ]
}

@test "file-replace takes a path, absolute or not" {
	mkdir sub
	run -0 replace sub/a
	run -0 replace "$PWD/sub/b"
	run -0 replace ./sub/../c
	run -0 cat sub/a sub/b c
	[ "$output" = $'new\nnew\nnew' ]
	[ "$(ls -A sub)" = $'a\nb' ]
}

@test "file-replace gives the target another file, not another content" {
	ln old other
	exec 9<old
	run -0 replace old
	[ "$(cat <&9)" = old ]
	exec 9<&-
	[ "$(cat other)" = old ]
	[ "$(cat old)" = new ]
}

@test "file-replace copies any bytes and any size" {
	head -c 3000001 /dev/urandom >../bytes
	run -0 sh -c 'file-replace big <../bytes'
	cmp big ../bytes
	# From a pipe that delivers little by little.
	run -0 sh -c '{ printf "a\\0b"; sleep 0.1; cat ../bytes; } |
	    file-replace big'
	[ "$(wc -c <big)" -eq 3000004 ]
	tail -c +4 big | cmp - ../bytes
}

@test "file-replace keeps the mode of the target" {
	for mode in 600 640 444 777 0; do
		chmod "$mode" old
		run -0 replace old
		[ "$(mode_of old)" = "$mode" ]
	done
}

@test "file-replace drops set-user-ID, set-group-ID and sticky bit" {
	chmod 7755 old
	run -0 replace old
	[ "$(mode_of old)" = 755 ]
}

@test "file-replace gives a new file 0666 less the umask" {
	for mask in 000 022 027 077 777; do
		(
			umask "$mask"
			replace "new.$mask"
		)
	done
	run -0 stat -c '%n %a' new.*
	[ "$output" = $'new.000 666\nnew.022 644\nnew.027 640\nnew.077 600
new.777 0' ]
}

@test "file-replace -m sets the mode, whatever umask and target say" {
	for mode in 0 4 0600 644 0755 0777; do
		(
			umask 077
			replace -m "$mode" fresh
			replace -m "$mode" old
		)
		[ "$(mode_of fresh)" = "$(printf %o "0$mode")" ]
		[ "$(mode_of old)" = "$(printf %o "0$mode")" ]
	done
}

@test "file-replace -g sets the group, by name or number" {
	[ "$(id -u)" -eq 0 ] || skip 'only root has all groups'
	for group in daemon 4711; do
		run -0 --separate-stderr replace -g "$group" -m 0640 old
		[ -z "$stderr" ]
		[ "$(stat -c '%a %u' old)" = '640 0' ]
		[[ " $(stat -c '%G %g' old) " == *" $group "* ]]
	done
	[ "$(ls -A)" = old ]
}

@test "file-replace -g refuses a group that is none, or not ours" {
	for group in '' nosuchgroup -1 4294967295 1x; do
		run -2 --separate-stderr replace -g "$group" old
		[ "$stderr" = "file-replace: -g $group: no such group" ]
	done
	[ "$(id -u)" -ne 0 ] || set -- setpriv --reuid 65534 \
	    --regid 65534 --clear-groups
	chmod 777 .
	run -2 --separate-stderr "$@" file-replace -g 0 fresh <../new
	[ "$stderr" = 'file-replace: fresh: group: Operation not permitted' ]
	[ "$(ls -A)" = old ]
	[ "$(cat old)" = old ]
}

@test "file-replace -m refuses what is no octal mode" {
	for mode in '' 8 0888 1000 4755 00644 -1 +x u+w 0x1ff ' 644' '644 ' \
	    77777777777777777777; do
		run -2 --separate-stderr replace -m "$mode" old
		[ -z "$output" ]
		[ "$stderr" = "file-replace: -m $mode: not an octal mode\
 between 0 and 0777" ]
		[ "$(cat old)" = old ]
	done
	run -2 --separate-stderr replace -m $'\033' old
	[ "$stderr" = 'file-replace: -m \x1b: not an octal mode between 0 and'\
' 0777' ]
}

@test "file-replace refuses empty input and leaves the target alone" {
	before=$(stat -c '%i %y' old)
	run -2 --separate-stderr sh -c 'false | file-replace old'
	[ -z "$output" ]
	[ "$stderr" = 'file-replace: stdin: empty; old is left as it is' ]
	run -2 --separate-stderr file-replace fresh </dev/null
	[ "$stderr" = 'file-replace: stdin: empty; fresh is left as it is' ]
	[ "$(stat -c '%i %y' old)" = "$before" ]
	[ "$(ls -A)" = old ]
}

@test "file-replace refuses links and directories, and follows neither" {
	mkdir dir
	ln -s old link
	ln -s nowhere dangling
	mkfifo fifo
	for target in dir link dangling fifo .; do
		run -2 --separate-stderr replace "$target"
		[ -z "$output" ]
		[ "$stderr" = "file-replace: $target: not a regular file; name\
 the file itself" ]
	done
	[ "$(cat old)" = old ]
	[ -L link ]
	[ -L dangling ]
	[ -p fifo ]
	[ ! -e nowhere ]
	[ -z "$(ls -A dir)" ]
}

@test "file-replace names a directory that is missing or none" {
	run -2 --separate-stderr replace no/such/file
	[ "$stderr" = 'file-replace: no/such: No such file or directory' ]
	run -2 --separate-stderr replace old/file
	[ "$stderr" = 'file-replace: old: Not a directory' ]
	run -2 --separate-stderr replace ''
	[ "$stderr" = 'file-replace: : not a regular file; name the file itself' ]
	run -2 --separate-stderr replace fresh/
	[ "$stderr" = 'file-replace: fresh: No such file or directory' ]
	[ "$(ls -A)" = old ]
}

@test "file-replace fails on a stdin that cannot be read" {
	run -2 --separate-stderr file-replace old <.
	[ "$stderr" = 'file-replace: stdin: Is a directory' ]
	run -2 --separate-stderr sh -c 'file-replace old <&-'
	[[ $stderr == 'file-replace: stdin: '* ]]
	[ "$(cat old)" = old ]
	[ "$(ls -A)" = old ]
}

@test "file-replace says so when it may not write to the directory" {
	local as=()
	require setpriv
	dir=$(mktemp -d /tmp/file-replace.XXXXXX)
	echo old >"$dir/file"
	cp "$(command -v file-replace)" "$dir"
	chmod 0666 "$dir/file"
	chmod 0555 "$dir"
	[ "$(id -u)" -ne 0 ] ||
	    as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	run -2 --separate-stderr "${as[@]}" "$dir/file-replace" "$dir/file" \
	    <../new
	content=$(cat "$dir/file")
	chmod 0755 "$dir"
	rm -r "$dir"
	[ "$stderr" = "file-replace: $dir/file: Permission denied" ]
	[ "$content" = old ]
}

@test "file-replace leaves the old file when the disk is full" {
	require unshare
	unshare -rm true 2>/dev/null || skip 'no user namespaces here'
	mkdir small
	cat >../full.sh <<-'END'
	mount -t tmpfs -o size=64k none small
	cd small
	echo old >file
	rc=0
	head -c 100000 /dev/zero | file-replace file || rc=$?
	ls -A
	cat file
	exit $rc
	END
	run -2 --separate-stderr unshare -rm sh ../full.sh
	[ "$output" = $'file\nold' ]
	[ "$stderr" = 'file-replace: file: No space left on device' ]
}

@test "file-replace leaves the old file and nothing else when it is ended" {
	mkfifo ../pipe
	for sig in TERM INT HUP KILL; do
		start_bg env --default-signal sh -c \
		    'exec file-replace old <../pipe'
		exec 9>../pipe
		echo part >&9
		sleep 0.1
		kill -s "$sig" "$bg"
		wait "$bg" || true
		exec 9>&-
		[ "$(cat old)" = old ]
		[ "$(ls -A)" = old ]
	done
}

@test "file-replace takes away what a kill left behind" {
	echo left >.old.new
	run -0 replace old
	[ "$(cat old)" = new ]
	[ "$(ls -A)" = old ]
}

@test "file-replace shows readers one whole content or the other" {
	head -c 20000 /dev/zero | tr '\0' a >../a
	head -c 20000 /dev/zero | tr '\0' b >../b
	cp ../a old
	for name in a b; do
		start_bg sh -c "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
		do file-replace old <../$name || exit; done"
	done
	seen=0
	while kill -0 "${bg_pids[0]}" 2>/dev/null; do
		cat old >../copy
		cmp -s ../copy ../a || cmp ../copy ../b
		seen=$((seen + 1))
	done
	[ "$seen" -gt 0 ]
	for pid in "${bg_pids[@]}"; do
		wait "$pid"
	done
	[ "$(ls -A)" = old ]
}
