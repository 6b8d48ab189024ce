# SPDX-License-Identifier: ISC
#
# store.sh: directories of small KEY=value files that a server reads and a
# command looks after (est-token, est-queue). Sourced after base.sh; the script
# sets dir.

# store_open ARG...: the directory is there; from now on it is the current one.
# Where the server writes, links may lead anywhere: root becomes the owner of
# the directory first, and starts anew with these arguments.
store_open() {
	[ -d "$dir" ] || die "$dir" 'no such directory'
	owner=$(stat -L -c %u -- "$dir")
	group=$(stat -L -c %g -- "$dir")
	if [ "$(id -u)" -eq 0 ] && [ "$owner" -ne 0 ]; then
		need setpriv
		unset TMPDIR
		exec setpriv --reuid "$owner" --regid "$group" --clear-groups \
		    -- "$0" "$@"
	fi
	case $dir in
	-*) dir=./$dir ;;
	esac
	cd "$dir" || die "$dir" 'cannot go there'
	dir=$(pwd -P)
}

# synced DIRECTORY: what was made, renamed or removed in it stays so.
synced() {
	sync "$1" 2>/dev/null || die "$1" 'cannot be synced'
}

# json_lines TEXT: awk over the names of files on stdin, an object a line. TEXT
# is an awk function facts(file) that prints its members with str(key, value),
# from v[KEY]; null for what is not there. What follows -----BEGIN is not read.
json_lines() {
	awk -v now="${now-}" '
	function quote(s,	i, c, o) {
		for (i = 1; i <= length(s); i++) {
			c = substr(s, i, 1)
			if (c == "\\" || c == "\"")
				c = "\\" c
			else if (c < " ")
				c = "?"
			o = o c
		}
		return "\"" o "\""
	}
	function str(key, value) {
		value = value == "" ? "null" : quote(value)
		printf "%s\"%s\":%s", comma, key, value
		comma = ","
	}
	'"$1"'
	{
		file = $0
		split("", v)
		while ((getline line <file) > 0 && line !~ /^-----BEGIN/)
			if ((i = index(line, "=")) > 1)
				v[substr(line, 1, i - 1)] = substr(line, i + 1)
		close(file)
		comma = "{"
		facts(file)
		print "}"
	}'
}

# out FILE: the end of a command that has something to say.
out() {
	trap '' PIPE
	cat "$1" 2>/dev/null || die stdout 'cannot write'
	leave 0
}
