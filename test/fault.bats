#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The commands that write files, with a fault at every call that changes one:
# a kill of everything, a power cut that also takes what was not synced, and
# ENOSPC, EIO and EINTR.  The store is in fault-store.bats.

load helper
load servers
load fault

setup_file() {
	make_killat
}

setup() {
	fault_setup
}

teardown() {
	stop_bg
}

# A tree of several processes with ten calls of known order.
ten_calls() {
	cat >setup <<-'END'
	echo old >target
	END
	cat >ten <<-'END'
	set -e
	echo new >.tmp
	mkdir d
	ln -s nowhere d/link
	echo to nobody | cat >/dev/null
	rm d/link
	rmdir d
	sync .tmp
	mv -T .tmp target
	chmod 640 target
	END
}

@test "killat counts the calls of a whole tree, and always the same" {
	ten_calls
	for _ in 1 2 3; do
		echo old >target
		run -0 --separate-stderr killat 0 sh ten
		[ "$stderr" = 'killat: 10 calls' ]
	done
	echo old >target
	run -0 --separate-stderr killat -v -c count 0 sh ten
	[ "$(cat count)" -eq 10 ]
	[ "${#stderr_lines[@]}" -eq 10 ]
	[[ ${stderr_lines[0]} == "killat: 1: "*" open"*" $PWD/.tmp" ]]
	[[ ${stderr_lines[3]} == "killat: 4: "*" nowhere -> $PWD/d/link" ]]
	[[ ${stderr_lines[7]} == \
	    "killat: 8: "*" rename"*" $PWD/.tmp -> $PWD/target" ]]
}

@test "killat N kills all before call N, and says 120" {
	ten_calls
	echo old >target
	run -120 killat 4 sh ten
	[ "$(ls -A)" = "$(printf '%s\n' .tmp d setup target ten)" ]
	[ -z "$(ls -A d)" ]
	cat >stubborn <<-'END'
	trap '' TERM HUP INT
	(trap '' TERM; while :; do sleep 1; done) &
	setsid sh -c 'echo $$; exec sleep 60' >pid &
	while [ ! -s pid ]; do sleep 0.1; done
	echo x >last
	END
	run -120 timeout 20 killat -v 3 sh stubborn 3>&-
	[[ ${lines[-1]} == *"$PWD/last" ]]
	[ -s pid ]
	run -1 kill -0 "$(cat pid)"
}

@test "killat -p kills one process and lets the others go on" {
	run -0 killat -p 1 sh -c '(echo x >one); echo $? >two'
	[ ! -e one ]
	[ "$(cat two)" -eq 137 ]
	run -137 killat -p 1 sh -c 'echo x >three'
	[ ! -e three ]
}

@test "killat -e lets one call fail, with -s all later ones like it" {
	run -0 killat -e ENOSPC 1 \
	    sh -c 'cd . >one; cd . >two; rm two; cd . >three'
	[[ $output == *'cannot create one: No space left on device'* ]]
	[ ! -e one ]
	[ -e three ]
	run -1 killat -s -e EIO 1 sh -c 'mkdir a; rm three; mkdir b'
	[ "$(grep -c 'Input/output error' <<<"$output")" -eq 2 ]
	[ -z "$(ls -A)" ]
	run -125 killat -e ENONSENSE 1 true
	[[ $output == 'killat: ENONSENSE: unknown errno' ]]
}

@test "killat -l takes what was not synced" {
	echo old >old
	run -0 killat -l 99 sh -c 'echo new >new; echo more >>old; sync old
		echo and more >>old'
	[ -e new ]
	[ ! -s new ]
	[ "$(cat old)" = "$(printf '%s\n' old more)" ]
	run -0 killat -l 99 sh -c 'echo new >new; sync'
	[ "$(cat new)" = new ]
}

@test "killat passes the status on, and says when it cannot run it" {
	run -7 killat 5 sh -c 'exit 7'
	run -143 killat 5 sh -c 'kill -TERM $$'
	run -126 killat 0 ./nowhere
	[[ $output == 'killat: ./nowhere: No such file or directory'* ]]
	run -125 killat
	[[ $output == 'usage: killat '* ]]
	run -125 killat x true
	[[ $output == 'killat: x: not a number of a call' ]]
}

@test "sweep finds no fault in a replacement that is right" {
	ten_calls
	script check <<-'END'
	tool=
	case $(cat target) in
	old) died ;;
	new) ;;
	*) exit 1 ;;
	esac
	[ "$phase" = fault ] || holds target
	END
	cat >again <<-END
	rm -rf .tmp d
	sh $PWD/ten
	END
	swept 10 -r again setup check -- sh "$PWD/ten"
	swept 11 -l -r again setup check -- sh "$PWD/ten"
	run -0 sweep -n 3 -r again setup check -- sh "$PWD/ten"
	[ "$output" = 'points tried: 3, broken: 0' ]
}

@test "sweep finds the points where a wrong replacement breaks" {
	ten_calls
	script check <<-'END'
	case $(cat target) in old | new) ;; *) exit 1 ;; esac
	[ "$phase" = fault ] || holds target
	END
	# a temporary name that a kill leaves behind blocks the next run
	run -1 sweep setup check -- sh "$PWD/ten"
	[[ $output == *'point 4: '*'next run fails'*'mkdir: '* ]]
	[[ $output == *$'\npoints tried: 10, broken: 3' ]]
	# in place
	run -1 sweep setup check -- sh -c 'echo new >target'
	[[ $output == *'point 2: '*" write "*'/target: check fault 120'* ]]
	[[ $output == *$'\npoints tried: 2, broken: 1' ]]
	# the link is away for a moment
	echo 'ln -s a current' >setup-link
	echo 'readlink current' >check-link
	run -1 sweep setup-link check-link -- \
	    sh -c 'rm current; ln -s b current'
	[[ $output == *'point 2: '*' symlink'*$'\npoints tried: 2, broken: 1' ]]
	# ln -sfn is atomic, but what it leaves behind stays for ever
	cat >check-link <<-'END'
	readlink current
	[ "$1" = fault ] || [ "$(ls -A)" = current ]
	END
	run -1 sweep setup-link check-link -- ln -sfn b current
	[[ $output == *'point 3: '*' rename'*'check done 0 failed'* ]]
	# renamed, but never synced: seen by a power cut only
	cat >replace <<-'END'
	echo new >.tmp && mv -T .tmp target
	END
	run -0 sweep setup check -- sh "$PWD/replace"
	run -1 sweep -l setup check -- sh "$PWD/replace"
	[[ $output == *'the end: check fault 0 failed'* ]]
	# an error that nobody looks at
	script check <<-'END'
	if worked; then [ "$(cat target)" = new ]; fi
	END
	run -1 sweep -e ENOSPC setup check -- \
	    sh -c 'echo new >.tmp; mv -T .tmp target; exit 0'
	[[ $output == *'point 2: '* ]]
}

@test "sweep refuses what is no test" {
	echo : >nothing
	run -2 sweep nothing nothing -- true
	[ "$output" = 'sweep: the command changes nothing' ]
	run -2 sweep nothing nothing -- false
	[[ $output == 'sweep: the command fails by itself: '* ]]
	echo 'exit 1' >no
	run -2 sweep nothing no -- mkdir d
	[[ $output == *'sweep: the check fails without a fault' ]]
	run -2 sweep nothing nothing true
	[[ $output == 'usage: sweep '* ]]
}

# mkkey -o: no file, or a whole key that only its owner can read.
mkkey_scripts() {
	echo : >setup
	script check <<-'END'
	tool=mkkey
	if [ -e key.pem ]; then
		[ "$(stat -c %a key.pem)" = 600 ]
		openssl pkey -in key.pem -noout -check
		[ "$status" -eq 0 ] || died
	else
		[ "$phase" = fault ]
		died || failed
	fi
	if [ "$phase" != fault ]; then
		[ ! -e other.pem ] || openssl pkey -in other.pem -noout
		ls -A
		[ -z "$(ls -A | grep -vx -e key.pem -e other.pem)" ]
	fi
	END
	cat >again <<-'END'
	if [ -e key.pem ]; then
		status=0
		mkkey -o key.pem || status=$?
		[ "$status" -eq 2 ]
		mkkey -o other.pem
	else
		mkkey -o key.pem
	fi
	END
}

@test "mkkey -o killed anywhere leaves no key or a whole one" {
	mkkey_scripts
	swept 4 -r again setup check -- mkkey -o key.pem
	swept 5 -l -r again setup check -- mkkey -o key.pem
}

@test "mkkey -o that fails anywhere leaves no file" {
	mkkey_scripts
	for error in ENOSPC EIO EINTR; do
		swept 4 -e "$error" -r again setup check -- mkkey -o key.pem
	done
	swept 4 -s -e ENOSPC -r again setup check -- mkkey -o key.pem
}

# file-replace: the old bytes or the new ones.  Where only the sync of the
# directory failed the new file is in place, and the message says so.
replace_scripts() {
	cat >setup <<-'END'
	seq 1 20000 >old
	seq 2 20000 >new
	cat old >target
	chmod 644 target
	END
	script check <<-'END'
	tool=file-replace
	[ "$(stat -c %a target)" = 644 ]
	if cmp -s target new; then
		worked || died || { failed && unsynced; }
	else
		cmp target old
		died || failed
	fi
	[ "$phase" = fault ] || holds new old target
	END
}

@test "file-replace killed anywhere leaves the old file or the new one" {
	replace_scripts
	replace='file-replace -m 0644 target <new'
	swept 5 setup check -- sh -c "$replace"
	swept 6 -l setup check -- sh -c "$replace"
}

@test "file-replace that fails anywhere leaves the old file" {
	replace_scripts
	replace='file-replace -m 0644 target <new'
	for error in ENOSPC EIO EINTR; do
		swept 5 -e "$error" setup check -- sh -c "$replace"
	done
	swept 5 -s -e ENOSPC setup check -- sh -c "$replace"
}

# A token that is spent by a server: free or spent, and spent when the server
# was told so.  Where it cannot be renamed it is removed.
token_scripts() {
	case $ECA_BIN in
	*/san/bin) spend=$ECA_ROOT/build/san/unit/esttoken-test ;;
	*) spend=$ECA_ROOT/build/plain/unit/esttoken-test ;;
	esac
	spend="$spend spend store x <token"
	cat >setup <<-'END'
	mkdir store
	est-token -d store add >token
	END
	script check <<-'END'
	tool=esttoken-test
	if [ "$phase" = done ]; then
		[ "$(ls -A store | wc -l)" -le 1 ]
		[ ! -e store/????? ]
	elif [ -e store/????? ]; then
		[ "$(ls -A store | wc -l)" -eq 1 ]
		died || failed
	else
		worked || died
	fi
	END
	cat >again <<-END
	[ ! -e store/????? ] || $spend
	END
}

@test "est-token: a token killed anywhere, or failing, is free or spent" {
	require est-token
	token_scripts
	swept 2 -r again setup check -- sh -c "$spend"
	for error in ENOSPC EIO; do
		swept 2 -e "$error" -r again setup check -- sh -c "$spend"
	done
}

# every_fault N ARGUMENT...: killed, and with these errors, once and for ever.
every_fault() {
	swept "$@"
	for error in ENOSPC EIO; do
		swept "$1" -e "$error" "${@:2}"
	done
	swept "$1" -s -e ENOSPC "${@:2}"
}

@test "est-token: add that is cut short leaves a token that is known, or none" {
	require est-token
	echo 'mkdir store' >setup
	script check <<-'END'
	token=$(grep -xE '([0-9a-z]{5}-){6}[0-9a-z]{5}' "$said" || :)
	for file in store/?????; do
		[ -e "$file" ] || continue
		[ "$(cut -d= -f1 "$file" | tr '\n' ' ')" = 'SALT SHA256 USES ' ]
		[ "$phase" = done ] || died || [ "$file" = "store/${token%%-*}" ]
	done
	[ -z "$token" ] || died || [ -e "store/${token%%-*}" ]
	died || { worked && [ -n "$token" ]; } || { [ "$phase" = fault ] &&
	    [ "$status" -eq 2 ] && [ -z "$token" ] && grep -q ^est-token: "$said"; }
	END
	every_fault 4 setup check -- est-token -d store add
}

@test "est-token: remove that is cut short leaves the token or nothing" {
	require est-token
	cat >setup <<-'END'
	mkdir store
	est-token -d store add | cut -c 1-5 >id
	read -r id <id
	cp "store/$id" "store/$id.spent"
	END
	remove='read -r id <id; exec est-token -d store remove "$id"'
	cat >again <<-END
	[ -z "\$(ls store)" ] || { $remove; }
	END
	script check <<-'END'
	if [ -z "$(ls store)" ]; then
		worked || died || [ "$phase" = fault ]
	else
		[ "$phase" = fault ]
		died || { [ "$status" -eq 2 ] && grep -q ^est-token: "$said"; }
	fi
	END
	every_fault 2 -r again setup check -- sh -c "$remove"
}

# One request, in one state; a denial counts before all others.
queue_scripts() {
	require est-queue
	key=$(printf a | sha256sum | cut -d' ' -f1)
	cat >setup <<-END
	mkdir -p queue/pending
	printf 'LABEL=x\nTIME=y\n' >queue/pending/$key
	touch -d '2 days ago' queue/pending/$key
	END
	script check <<-END
	to=$1
	key=$key
	$(cat)
	END
}

@test "est-queue: approve and deny that are cut short lose no request" {
	local to
	for to in approved denied; do
		queue_scripts "$to" <<-'END'
		for file in queue/*/$key; do
			grep -qx LABEL=x "$file"
			grep -qx TIME=y "$file"
		done
		if worked; then
			[ -e "queue/$to/$key" ]
		else
			died || { [ "$phase" = fault ] &&
			    [ "$status" -eq 2 ] && grep -q ^est-queue: "$said"; }
		fi
		[ "$phase" = fault ] ||
		    [ "$(echo queue/*/*)" = "queue/$to/$key" ]
		END
		every_fault 3 setup check -- est-queue -d queue \
		    "$([ "$to" = approved ] && echo approve || echo deny)" "$key"
	done
}

@test "est-queue: prune that is cut short is completed by the next" {
	queue_scripts none <<-'END'
	if worked; then
		[ -z "$(find queue -type f)" ]
	else
		died || { [ "$phase" = fault ] && [ "$status" -eq 2 ] &&
		    grep -q ^est-queue: "$said"; }
	fi
	END
	every_fault 1 setup check -- est-queue -s 0 -d queue prune
}

# crl-fetch -C: the old list or the new one, whatever the cache was.
fetch_scripts() {
	make_crl "$CA" int old.crl number=01
	make_crl "$CA" int new.crl number=02 from='10 minutes ago'
	mkdir www
	mv new.crl www/
	export WWW=$PWD/www OLD=$PWD/old.crl
	web "$WWW"
	echo 'cp "$OLD" ca.crl' >setup
	echo : >empty
	script check <<-'END'
	tool=crl-fetch
	if cmp -s ca.crl "$WWW/new.crl"; then
		[ "$(stat -c %a ca.crl)" = 644 ]
		worked || died || { failed && unsynced; }
	else
		[ ! -e ca.crl ] || cmp ca.crl "$OLD"
		died || failed
	fi
	[ "$phase" = fault ] || holds ca.crl
	END
	fetch=(crl-fetch -B "$CA/int.pem" -u "$WEB/new.crl"
	    -C ca.crl)
}

@test "crl-fetch -C killed anywhere leaves the old list or the new one" {
	fetch_scripts
	swept 4 setup check -- "${fetch[@]}"
	swept 5 -l setup check -- "${fetch[@]}"
	swept 4 empty check -- "${fetch[@]}"
}

@test "crl-fetch -C that fails anywhere leaves the old list" {
	fetch_scripts
	for error in ENOSPC EIO EINTR; do
		swept 4 -e "$error" setup check -- "${fetch[@]}"
	done
	swept 4 -s -e ENOSPC setup check -- "${fetch[@]}"
}

# crl-agent -1: each of the files is whole, and the next pass completes them.
agent_scripts() {
	fetch_scripts
	openssl crl -in "$OLD" -outform DER -out "$OLD.der"
	openssl crl -in "$WWW/new.crl" -outform DER -out "$WWW/new.crl.der"
	cat >setup <<-'END'
	mkdir www www/crl
	cp "$OLD" www/crl/ca.pem
	cp "$OLD.der" www/crl/ca.crl
	END
	script check <<-'END'
	is() {
		cmp -s "$2" "$1" || cmp "$3" "$1"
	}
	is www/crl/ca.crl "$OLD.der" "$WWW/new.crl.der"
	is www/crl/ca.pem "$OLD" "$WWW/new.crl"
	[ ! -e www/health ] || jq -e '.status == "ok"' www/health >/dev/null
	if worked; then
		cmp www/crl/ca.crl "$WWW/new.crl.der"
		cmp www/crl/ca.pem "$WWW/new.crl"
		[ -s www/health ]
	fi
	if [ "$phase" != fault ]; then
		worked
		[ "$(ls -A www www/crl)" = "$(printf '%s\n' www: .lock crl \
		    health '' www/crl: ca.crl ca.pem)" ]
	fi
	END
	agent=(crl-agent -1 -B "$CA/int.pem" -u "$WEB/new.crl.der" -w www)
}

@test "crl-agent -1 killed anywhere leaves whole files, the next pass mends" {
	agent_scripts
	swept 20 -l setup check -- "${agent[@]}"
}
