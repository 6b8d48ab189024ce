# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # c_*: of load_conf; tmp, prog: of base.sh
#
# service.sh: the current generation of a certificate in service: stable names,
# reload, proof, and the way back. Sourced by agent.sh after attempt.sh.

# set_aside PATH: it has the name $aside as well, and loses its own only to the
# link: a service that starts in between finds it.
set_aside() {
	if [ -d "$1" ]; then
		step mv -nT "$1" "$aside"
	else
		cmp -s "$1" "$aside" || step ln -T "$1" "$aside"
	fi
}

# link PATH FILE: PATH leads to that file of the current generation. A file that
# is in its place is moved aside: nothing is lost.
link() {
	target=$store/current/$2 up=${1%/*}
	[ -e "$target" ] || return 0
	if [ -L "$1" ] &&
	    [ "$(readlink -f "$1")" = "$(readlink -f "$target")" ]; then
		return 0
	fi
	[ -d "$up" ] || (umask 022 && step mkdir -p "$up") || return
	if [ -d "$1" ] && [ ! -L "$1" ]; then
		because "$1: a directory, where a file was expected"
		return 1
	elif [ -e "$1" ] && [ ! -L "$1" ]; then
		aside=$1.before-$(date -r "$1" +%s)
		set_aside "$1" || return
		about WARN link.moved_aside "path=$1" "to=$aside"
	fi
	target=$(realpath -s --relative-to "$(realpath "$up")" \
	    "$(realpath "$store")/current/$2")
	step ln -sfT "$target" "$up/.eca.$name.$2" &&
	    step mv -T "$up/.eca.$name.$2" "$1" && step sync "$up"
}

# links: all stable names that the configuration asks for.
links() {
	path=$conf
	step agent-conf -c "$conf" -f links -n "$name" "$protocol" \
	    >"$tmp/links" || return
	while IFS=$tab read -r path file <&4; do
		link "$path" "$file" || return
	done 4<"$tmp/links"
}

# call SECONDS WORDS: a hook as configured, and what it is told.
call() {
	limit=$1
	set -f
	# shellcheck disable=SC2086 # words, nothing is quoted
	set -- $2 "$name" "$(readlink -f "$store/current")" "$serial"
	set +f
	run_hook "$limit" "$@" && return
	rc=$?
	if [ "$rc" -eq 124 ]; then
		because "the hook took longer than $limit s"
	elif [ -z "$(reason)" ]; then
		because "the hook ended with $rc and said nothing"
	fi
	return "$rc"
}

# reload: tell the service.
reload() {
	[ -n "${c_RELOAD_HOOK-}" ] || return 0
	rc=0
	call "$c_RELOAD_TIMEOUT_SECONDS" "$c_RELOAD_HOOK" || rc=$?
	if [ "$rc" -eq 0 ]; then
		about INFO service.reloaded "serial=$serial"
		return
	fi
	about ERROR reload.failed "exit:=$rc" "reason=$(reason)"
	return 1
}

# Does the server show exactly this certificate?
server_shows() {
	step tls-peek -m 5 ${c_PROBE_NAME:+-n "$c_PROBE_NAME"} \
	    "$c_PROBE_SERVER" >"$tmp/shown" || return
	sed '/^-----END/q' "$tmp/shown" |
	    cmp -s - "$store/current/cert.pem" && return
	because "$c_PROBE_SERVER shows another one: $(serial_of "$tmp/shown")"
	return 1
}

# Does a server take it from us?
server_takes() {
	step tls-peek -m 5 -A "$c_CERT_ROOT" \
	    ${c_PROBE_NAME:+-n "$c_PROBE_NAME"} -k "$store/current/key.pem" \
	    -c "$store/current/fullchain.pem" "$c_PROBE_CLIENT" >"$tmp/shown"
}

# soon FUNCTION: again and again within PROBE_TIMEOUT_SECONDS; a server needs a
# moment to reload.
soon() {
	end=$(($(date +%s) + c_PROBE_TIMEOUT_SECONDS))
	tries=$((c_PROBE_TIMEOUT_SECONDS * 5))	# should the clock be set back
	until "$1"; do
		[ "$(date +%s)" -lt "$end" ] && [ "$tries" -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.2 9>&-
	done
}

# in_service: the current generation is what is used.
in_service() {
	[ -z "${c_PROBE_SERVER-}" ] || soon server_shows || return
	[ -z "${c_PROBE_CLIENT-}" ] || soon server_takes || return
	[ -z "${c_PROBE_COMMAND-}" ] ||
	    call "$c_PROBE_TIMEOUT_SECONDS" "$c_PROBE_COMMAND"
}

# prove: the current generation is linked, the service reloaded and seen to use
# it; then the older ones go. Otherwise back to the one before.
prove() {
	serial=$(serial_of "$store/current/cert.pem")
	if ! links; then
		about ERROR link.failed "path=$path" "reason=$(reason)"
	elif reload; then
		if in_service; then
			committed
			return
		fi
		about ERROR proof.failed "serial=$serial" "reason=$(reason)"
	fi
	cp "$tmp/err" "$tmp/why"
	roll_back
	cp "$tmp/why" "$tmp/err"
	failed "$EX_TEMP" cert.unproven
}

# committed: the current generation is in service. The request under way goes
# last: as long as it is there cert-plan wants what is left to be done.
committed() {
	rc=0
	step cert-commit "$store" || rc=$?
	if [ "$rc" -ne 0 ] && [ "$(readlink "$store/proven")" != \
	    "$(readlink "$store/current")" ]; then
		failed "$rc" cert.uncommitted
		return
	fi
	[ "$rc" -eq 0 ] || about ERROR cert.uncommitted "reason=$(reason)"
	[ ! -e "$dir/revoked" ] || [ "$(cat "$dir/revoked")" = "$serial" ] ||
	    rm -f "$dir/revoked"
	until=$(cert-expiry "$store/current/cert.pem" 2>/dev/null |
	    jq -r .not_after)
	about INFO cert.proven "serial=$serial" "not_after=$until"
	record ok ''
	discard || :	# what stays is a matter of the next pass
}

# tidy: what a killed run left of a certificate for which there is nothing else
# to be done.
tidy() {
	if is_current; then
		serial=$(serial_of "$store/current/cert.pem")
		committed
		return
	fi
	rc=0
	step cert-commit "$store" || rc=$?
	[ "$rc" -ne 0 ] || discard || rc=$EX_ERR
	if [ "$rc" -ne 0 ]; then
		failed "$rc" cert.uncommitted
		return
	fi
	about INFO cert.tidied
}

# roll_back: to the generation before, but not to a revoked one; cert-rollback
# itself refuses one that has expired.
roll_back() {
	before=$(cat "$store/previous" 2>/dev/null) || before=
	if [ -n "$before" ] && [ -s "$dir/revoked" ] &&
	    [ "$(serial_of "$store/$before/cert.pem")" = \
	    "$(cat "$dir/revoked")" ]; then
		about ERROR cert.kept 'reason=the one before is revoked'
	elif step cert-rollback "$store" >"$tmp/deployed"; then
		serial=$(serial_of "$store/current/cert.pem")
		about ERROR cert.rolled_back "serial=$serial"
		reload || :
	else
		about ERROR cert.kept "reason=$(reason)"
	fi
}

# retry: the one that was rolled back, before another one is ordered; if it is
# no good after all, that comes at once.
retry() {
	rc=0
	step cert-rollback "$store" >"$tmp/deployed" || rc=$?
	case $rc in
	0)
		about INFO cert.retried "path=$(cat "$tmp/deployed")"
		prove ;;
	"$EX_TEMP") failed "$rc" deploy.failed ;;
	*)
		about WARN cert.not_retried "reason=$(reason)"
		renew ;;
	esac
}
