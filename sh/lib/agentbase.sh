# SPDX-License-Identifier: ISC
#
# agentbase.sh: what the agents have in common. Sourced after base.sh; the
# script sets tmp (agent_tmp) before run_hook, and holds its lock (agent_lock) on
# descriptor 9. Nothing started here keeps that descriptor.
#
#	prog			from base.sh: the name of the service in the log
#	log_level, log_to	what log writes, and where
#	again, stop		1 after HUP, and after INT or TERM (agent_signals)
#	jitter			the result of jitter
log_level=info
log_to=stderr
again=0 stop=0 jitter=0
sleeper=
: "${prog:?}"
HOOK_GRACE=5	# seconds between TERM and KILL for a hook that hangs

# What is opened later must not become a standard stream.
true 9>&2 || exec 2>/dev/null
true 2>/dev/null 9<&0 || exec </dev/null
true 2>/dev/null 9>&1 || exec >/dev/null

# number WHAT VALUE MIN MAX: a whole number in decimal, or the end of it.
number() {
	case $2 in
	'' | 0?* | *[!0-9]* | ??????????*) ;;
	*)
		if [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
			return 0
		fi ;;
	esac
	die "$1 $2" "not a whole number between $3 and $4"
}

# Where the level stands, in $rank; unknown ones are the highest.
log_rank() {
	case $1 in
	trace | TRACE) rank=0 ;;
	debug | DEBUG) rank=1 ;;
	info | INFO) rank=2 ;;
	warn | WARN) rank=3 ;;
	*) rank=4 ;;
	esac
}

# log_check: log_level and log_to are what log knows.
log_check() {
	case $log_level in
	trace | debug | info | warn | error) ;;
	*) die "$log_level" 'not trace, debug, info, warn or error' ;;
	esac
	case $log_to in
	stderr) ;;
	syslog) need logger ;;
	/*)
		(: >>"$log_to") 2>/dev/null ||
		    die "$log_to" 'cannot be written' ;;
	*) die "$log_to" 'not stderr, syslog or an absolute path' ;;
	esac
}

# A line for syslog. One logger cuts at 1 KiB unless told, the other knows no
# such option.
log_syslog() {
	case $rank in
	0 | 1) priority=debug ;;
	2) priority=info ;;
	3) priority=warning ;;
	*) priority=err ;;
	esac
	logger --size 8192 -t "$prog" -p "daemon.$priority" -- "$1" \
	    2>/dev/null 9>&- ||
	    logger -t "$prog" -p "daemon.$priority" -- "$1" 2>/dev/null 9>&-
}

# log LEVEL EVENT [FACT...]: one line, see log-json(1). Facts from stdin (the
# fact -) come from a file: a line below log_level does not read them. What
# cannot go where it should goes to stderr; without a log the work goes on.
log() {
	log_rank "$log_level"
	log_least=$rank
	log_rank "$1"
	[ "$rank" -ge "$log_least" ] || return 0
	log_severity=$1 log_event=$2
	shift 2
	if [ "$log_to" = stderr ]; then
		log-json "$log_severity" "$prog" "$log_event" "$@" >&2 9>&- || :
		return 0
	fi
	log_line=$(log-json "$log_severity" "$prog" "$log_event" "$@" 9>&-) ||
	    return 0
	case $log_to in
	syslog) log_syslog "$log_line" ;;
	*) { printf '%s\n' "$log_line" >>"$log_to"; } 2>/dev/null ;;
	esac || printf '%s\n' "$log_line" >&2 || :
}

# agent_lock FILE WHAT: one agent at a time has it, as descriptor 9.
agent_lock() {
	need flock
	(: >>"$1") 2>/dev/null || die "$1" 'cannot be written'
	exec 9>>"$1"
	flock -n 9 || fail "$EX_TEMP" "$2" "another $prog is at work"
}

# agent_tmp DIRECTORY: tmp, empty, for who holds the lock: what a killed run
# left there is gone. Removed on every way out.
agent_tmp() {
	rm -rf "$1" 2>/dev/null || die "$1" 'cannot be removed'
	mkdir -m 700 "$1" 2>/dev/null || die "$1" 'cannot be made'
	tmp=$1
}

# unlitter FILE: what file-replace left beside it when it was killed is gone.
unlitter() {
	set -- "$(dirname "$1")/.$(basename "$1")"
	rm -f "$1.new" "$1".[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]
}

# agent_signals: from here on a signal does not end the script, it ends a nap.
agent_signals() {
	trap 'again=1; wake' HUP
	trap 'stop=1; wake' INT TERM
}

# nap SECONDS: unless a signal came before; HUP is dealt with by the return.
nap() {
	sleep "$1" 9>&- &
	sleeper=$!
	[ "$again$stop" != 00 ] || wait "$sleeper" || :
	wake
	wait "$sleeper" 2>/dev/null || :
	sleeper='' again=0
}

wake() {
	# KILL: a process that is not sleep yet could lose another signal.
	[ -z "$sleeper" ] || kill -KILL "$sleeper" 2>/dev/null || :
}

# jitter N: 0 to N at random, in $jitter.
# shellcheck disable=SC2034 # for the scripts
jitter() {
	jitter=$(($(od -An -N4 -tu4 /dev/urandom) % ($1 + 1)))
}

# reason: the last message of what wrote $tmp/err, without the command's name:
# so much of it as a line of the log takes, whatever it is.
reason() {
	sed '/^retry-at: /d; s/^[a-z0-9-]*: //' "$tmp/err" | sed '$!d' |
	    cut -c 1-1000 | tr '\000-\011\013-\037\177' '?'
}

# hook_find WORDS: those of a hook, without quoting. Its path is in $hook_path:
# the first word itself, or a shipped hook of that name, from the tree or as
# installed; the others are in $hook_words, with a blank in between.
hook_find() {
	need setsid timeout
	set -f
	# shellcheck disable=SC2086 # words
	set -- $1
	set +f
	[ $# -gt 0 ] || die hook 'no word in it'
	hook_path=$1
	shift
	# shellcheck disable=SC2034 # for the scripts
	hook_words=$*
	case $hook_path in
	/*) ;;
	*/*) die "$hook_path" 'not an absolute path nor the name of a hook' ;;
	*)
		hook_dir=$(dirname "$(readlink -f "$0")")
		[ -d "$hook_dir/hooks" ] || hook_dir=$hook_dir/../etc
		hook_path=$hook_dir/hooks/$hook_path ;;
	esac
	if ! [ -f "$hook_path" ] || ! [ -x "$hook_path" ]; then
		die "$hook_path" 'no program to run'
	fi
}

# run_hook SECONDS COMMAND [WORD...]: its exit code, or 124 when it took too
# long and was ended with all it had started. Its messages are in $tmp/err.
# Not every timeout(1) ends more than its own child: hence the session.
run_hook() {
	# shellcheck disable=SC2016 # for the inner shell
	setsid sh -c '
		grace=$1 rc=0
		shift
		timeout -k "$grace" "$@" || rc=$?
		case $rc in
		124 | 137 | 143) kill -KILL "-$$" ;;
		esac
		exit "$rc"' sh "$HOOK_GRACE" "$@" </dev/null >/dev/null \
	    2>"$tmp/err" 9>&- || {
		hook_rc=$?
		[ "$hook_rc" -ne 137 ] || hook_rc=124
		return "$hook_rc"
	}
}
