# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # tmp, prog: of base.sh; c_*: of load_conf
#
# agent.sh: what acme-agent and est-agent have in common: the loop and the pass
# over all certificates. What is to be done says cert-plan; how the
# configuration reads, agent-conf. Sourced after base.sh; the agent sets lib and
# protocol, defines what renew.sh asks for, and calls agent "$@".
# shellcheck source=agentbase.sh source-path=SCRIPTDIR
. "$lib/agentbase.sh"
# shellcheck source=attempt.sh source-path=SCRIPTDIR
. "$lib/attempt.sh"
# shellcheck source=service.sh source-path=SCRIPTDIR
. "$lib/service.sh"
# shellcheck source=renew.sh source-path=SCRIPTDIR
. "$lib/renew.sh"
# shellcheck source=revoked.sh source-path=SCRIPTDIR
. "$lib/revoked.sh"

tab='	'
locked=0

# own [DIRECTORY]: the agent's own keys, of another configuration than $conf.
own() {
	own=$(agent-conf -c "${1-$conf}" "$protocol" 9>&-) || return
	while IFS= read -r line; do
		case $line in
		STATE_DIR=*) state_dir=${line#*=} ;;
		STORE_DIR=*) store_dir=${line#*=} ;;
		LOG_LEVEL=*) log_level=${line#*=} ;;
		LOG_TO=*) log_to=${line#*=} ;;
		esac
	done <<-END
	$own
	END
	[ "$vflag" -eq 0 ] || log_level=debug
}

# checked CONFIGURATION: all of it is good, and what it names is there; a line
# for each certificate.
checked() {
	agent-conf -c "$1" -f json "$protocol" 9>&-
}

# open_dir DIRECTORY: made when it is missing, so that a server with a GROUP of
# its own gets through to its key and sees nothing on the way.
open_dir() {
	[ -d "$1" ] || { mkdir -p "$1" && chmod 711 "$1"; } 2>/dev/null ||
	    die "$1" 'cannot be made'
}

# work: from here on something is written: one agent of a protocol a state
# directory; the lock ends with the process.
work() {
	[ "$locked" -eq 0 ] || return 0
	need agent-conf cert-commit cert-deploy cert-expiry cert-plan \
	    cert-rollback cert-verify clock-check crl-check crl-fetch \
	    file-replace flock jq log-json mkcsr mkkey setsid tls-peek
	own || leave "$EX_ERR"
	open_dir "$state_dir"
	open_dir "$store_dir"
	(: >>"$state_dir/$protocol.lock") 2>/dev/null ||
	    die "$state_dir/$protocol.lock" 'cannot be written'
	exec 9>>"$state_dir/$protocol.lock"
	flock -n 9 || fail "$EX_TEMP" "$state_dir" \
	    "another $prog is at work"
	locked=1
	# A variable of the environment is no key of a certificate.
	for key in $(env | sed -n 's/^\(c_[A-Z_]*\)=.*/\1/p'); do
		unset "$key"
	done
	agent_tmp "$state_dir/tmp.$protocol"
	at_work
}

# alone: nobody has the lock; temporary files that are there were left.
alone() {
	[ "$locked" -eq 0 ] && own &&
	    flock -n "$state_dir/$protocol.lock" true 2>/dev/null
}

# worse CODE: 2 is worse than 75, 75 than 0.
worse() {
	case $1 in
	0) ;;
	"$EX_TEMP") [ "$worst" -ne 0 ] || worst=$EX_TEMP ;;
	*) worst=$EX_ERR ;;
	esac
}

# plan [OPTION...]: what is to be done, in $plan; is it anything, in $todo.
plan() {
	todo=0
	plan=$(cert-plan -c "$conf" -f lines "$@" "$protocol" 9>&-) || todo=$?
	[ "$todo" -le 1 ] || {
		worst=$EX_ERR plan='' todo=0
	}
}

# waiting: who has called for one pass is told what is not tried in it.
waiting() {
	case $once$plan in
	1*"${tab}wait$tab"*) ;;
	*) return 0 ;;
	esac
	own || return 0
	while IFS=$tab read -r name action why; do
		[ "$action" != wait ] ||
		    log INFO cert.waiting "name=$name" "reason=$why"
	done <<-END
	$plan
	END
}

# attend_all: to what is in $tmp/todo, except those whose CA turns out not to be
# there.
attend_all() {
	nth=0 aside=$tab
	while IFS=$tab read -r name action why <&3; do
		[ "$stop" -eq 0 ] || break
		nth=$((nth + 1))
		case $aside in
		*"$tab$name$tab"*) continue ;;
		esac
		rc=0
		attend "$name" "$action" "$why" 3<&- || rc=$?
		worse "$rc"
		[ "$rc" -ne "$EX_TEMP" ] || skip_rest || worst=$EX_ERR
	done 3<"$tmp/todo"
}

# skip_rest: a CA was not reached: all others that need it fail for that reason,
# without asking again. Not those with something left to be cleared up, or to
# be adopted.
skip_rest() {
	[ -s "$tmp/down" ] && ! cmp -s "$tmp/down" "$tmp/known" || return 0
	cp "$tmp/down" "$tmp/known" || return
	ca=$(tail -n 1 "$tmp/down")
	checked "$conf" 2>/dev/null | jq -r --arg ca "$ca" \
	    'select("\(.PROXY // false) \(.CA_URL)" == $ca) |
	    "\(.name)\t\(.CERT_PATH // "")"' >"$tmp/same"
	ca=${ca#* }
	awk -F '\t' -v n="$nth" '
		FILENAME == ARGV[1] { path[$1] = $2; next }
		FNR > n && $1 in path && ($2 == "renew" || ($2 == "enroll" &&
		    ($3 != "missing" || path[$1] == ""))) { print $1 }' \
	    "$tmp/same" "$tmp/todo" >"$tmp/names" || return
	while IFS= read -r name; do
		dir=$state_dir/state/$name old=
		[ ! -e "$dir/pending" ] || continue
		[ ! -r "$dir/state.json" ] || while IFS= read -r line; do
			old=$old$line
		done <"$dir/state.json"
		printf '%s\t%s\n' "$name" "$old"
	done <"$tmp/names" >"$tmp/aside" || return
	[ -s "$tmp/aside" ] || return 0
	because "$ca: not reached just now"
	log WARN ca.not_ready "certificates:=$(wc -l <"$tmp/aside")" \
	    "reason=$(reason)"
	aside=$aside$(cut -f 1 "$tmp/aside" | tr '\n' '\t')
	note_aside && return
	log ERROR state.unwritten "reason=$(reason)"
	return 1
}

# note_aside: the states of those in $tmp/aside.
note_aside() {
	cut -f 2- "$tmp/aside" | jq -Rc '(fromjson? | objects) // {}' \
	    >"$tmp/old" 2>"$tmp/err" || return
	next_state failed "$ca: not reached just now" || return
	while IFS=$tab read -r name _ <&4 && IFS= read -r state <&5; do
		dir=$state_dir/state/$name
		[ -d "$dir" ] || step mkdir -p "$dir" || return
		printf '%s\n' "$state" |
		    step file-replace -m 644 "$dir/state.json" || return
	done 4<"$tmp/aside" 5<"$tmp/state"
}

# pass [OPTION...]: look at all certificates and do what is to be done. Answers
# from a CA (asked when to renew) and files that were taken over make another
# round.
pass() {
	worst=0
	for round in 1 2 3; do
		plan "$@"
		look
		[ "$marked" -eq 0 ] || plan "$@"
		set --
		case $plan in
		*"-${tab}left"*) ! alone || work ;;
		esac
		[ "$round" -gt 1 ] || waiting
		[ "$todo" -eq 1 ] || break
		work
		# one that lacks something holds up no other
		[ "$once$round" != 11 ] || checked "$conf" >/dev/null ||
		    worst=$EX_ERR
		[ "$round" -gt 1 ] || rm -f "$tmp/down" "$tmp/known" "$tmp/mute"
		printf '%s\n' "$plan" | awk -F '\t' '$1 != "-" &&
		    $2 != "crl" && $2 != "wait"' >"$tmp/todo"
		attend_all
		[ "$stop" -eq 0 ] || break
		grep -Eq "$tab(ask|enroll|renew)$tab" "$tmp/todo" || break
	done
}

# take_conf: the configuration as it is now is gone by until the next HUP, when
# it is good.
take_conf() {
	rm -rf "$tmp/conf.new"
	if {
		checked "$given" >"$tmp/checked" && copy_conf &&
		    own "$tmp/conf.new" && in_place
	} 2>"$tmp/err"; then
		rm -rf "$tmp/conf.d"
		mv "$tmp/conf.new" "$tmp/conf.d"
		conf=$tmp/conf.d
		return
	fi
	[ "$conf" = "$given" ] || own || :	# those of the old one again
	cat "$tmp/err" >&2
	log ERROR config.refused "path=$given" \
	    "complaints:=$(wc -l <"$tmp/err")" "reason=$(reason)"
	return 1
}

# in_place: the lock and all that is open are in STATE_DIR; the store is there.
in_place() {
	[ "$state_dir" = "${tmp%/*}" ] || {
		warn STATE_DIR "it is ${tmp%/*} as long as the agent runs"
		return 1
	}
	(open_dir "$store_dir")
}

copy_conf() {
	mkdir "$tmp/conf.new" || return
	[ -d "$given" ] || return 0	# the environment is all there is
	find -L "$given" -maxdepth 1 -type f \( -name '*.conf' -o \
	    -name '*.json' -o -name defaults \) \
	    -exec cp -p -t "$tmp/conf.new" {} +
}

# set_pause: until cert-plan wants to look again, in $pause.
set_pause() {
	plan
	next=${plan##*"-${tab}next$tab"}
	case $next in
	'' | *[!0-9]*) next=$(($(date +%s) + 60)) ;; # it failed
	esac
	pause=$((next - $(date +%s)))
	least=1
	[ "$worst" -eq 0 ] || least=5	# nothing that goes wrong is hurried
	[ "$pause" -ge "$least" ] || pause=$least
}

loop() {
	if ! checked "$given" >/dev/null || ! own; then
		leave "$EX_ERR"
	fi
	work
	take_conf || leave "$EX_ERR"
	agent_signals
	reread=0
	trap 'again=1 reread=1; wake' HUP
	log INFO agent.started "path=$given" \
	    "certificates:=$(wc -l <"$tmp/checked")"
	while [ "$stop" -eq 0 ]; do
		# with STATE_DIR, and the lock
		[ -d "$conf" ] || die "$conf" 'it is gone'
		if [ "$reread" -eq 1 ]; then
			reread=0
			take_conf || :
		fi
		# A full disk, say, is not the end of it.
		pass || worst=$EX_ERR
		[ "$stop" -eq 0 ] || break
		set_pause
		log DEBUG agent.waiting "seconds:=$pause"
		nap "$pause"
	done
	log INFO agent.stopped
	leave 0
}

agent() {
	# shellcheck disable=SC2034 # for usage
	usage='[-1tv] [-c dir] [-y name]'
	conf=/etc/eca/certs.d once=0 tflag=0 forced=
	while getopts :1c:tvy: opt; do
		case $opt in
		1) once=1 ;;
		c) conf=$OPTARG ;;
		t) tflag=1 ;;
		v) vflag=1 ;;
		y)
			[ -n "$OPTARG" ] || usage
			forced=$OPTARG ;;
		*) usage ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -eq 0 ] || usage
	given=$conf
	if [ "$tflag" -eq 1 ]; then
		if ! all=$(checked "$conf") || ! own; then
			leave "$EX_ERR"
		fi
		[ -n "$all" ] ||
		    warn "$conf" "no certificate has PROTOCOL=$protocol"
		leave 0
	fi
	if [ "$once" -eq 1 ]; then
		pass ${forced:+-y "$forced"}
		leave "$worst"
	fi
	[ -z "$forced" ] || usage
	loop
}
