# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Certificates for tests, made by openssl and not by the commands under test.
#
#   make_ca DIR
#       DIR/root.key DIR/root.pem, DIR/int.key DIR/int.pem: P-256, 2020-2049
#   make_cert DIR NAME [san=LIST] [subject=/CN=..] [issuer=int|root|NAME|self]
#       [from=TIME] [to=TIME] [ext=LINES] [key=FILE]
#       DIR/NAME.key (0600), DIR/NAME.pem, DIR/NAME.chain.pem (leaf + int)
#   make_crl DIR NAME FILE [number=HEX] [from=TIME] [to=TIME] [ext=LINES]
#       [revoke=FILE[,FILE...]]
#       FILE (PEM) and FILE.der: signed by DIR/NAME.key, ext besides the number
#   make_key FILE [rsa2048|rsa1024|p384|ed25519]      default: P-256
#
# LIST is openssl's form (DNS:a.example,IP:192.0.2.1), TIME what date -d reads,
# ext replaces the leaf's extensions other than the names.

make_key() {
	case ${2-} in
	rsa*) set -- "$1" RSA -pkeyopt "rsa_keygen_bits:${2#rsa}" ;;
	p384) set -- "$1" EC -pkeyopt ec_paramgen_curve:P-384 ;;
	ed25519) set -- "$1" ED25519 ;;
	*) set -- "$1" EC -pkeyopt ec_paramgen_curve:P-256 ;;
	esac
	(
		umask 077
		openssl genpkey -quiet -out "$1" -algorithm "${@:2}"
	)
}

make_cert() {
	local dir=$1 name=$2 san='' issuer=int from='1 hour ago' to='90 days'
	local subject=/CN=$2 ext='basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth' key='' word
	for word in "${@:3}"; do
		case $word in
		san=* | subject=* | issuer=* | from=* | to=* | ext=* | key=*)
			local "$word" ;;
		*)
			echo "make_cert: $word: unknown word" >&2
			return 1 ;;
		esac
	done
	if [ -n "$key" ]; then
		[ "$key" -ef "$dir/$name.key" ] || cp -p "$key" "$dir/$name.key"
	else
		make_key "$dir/$name.key" || return
	fi
	[ "$issuer" != self ] || issuer=$name
	mkdir -p "$dir/db" && : >>"$dir/db/index" || return
	{
		printf '[ca]\ndefault_ca = db\n[db]\n'
		printf 'database = %s\n' "$dir/db/index"
		printf 'policy = any\nunique_subject = no\ndefault_md = default\n'
		printf 'rand_serial = yes\n'
		printf '[any]\ncommonName = optional\norganizationName = optional\n'
		printf 'organizationalUnitName = optional\n'
		printf '[ext]\n%s\n' "$ext"
		printf 'subjectKeyIdentifier = hash\n'
		[ "$issuer" = "$name" ] || printf 'authorityKeyIdentifier = keyid\n'
		[ -z "$san" ] || printf 'subjectAltName = %s\n' "$san"
	} >"$dir/db/$name.cnf"
	openssl req -new -batch -config "$dir/db/$name.cnf" -subj "$subject" \
	    -key "$dir/$name.key" -out "$dir/db/$name.csr" 2>/dev/null || return
	set -- -config "$dir/db/$name.cnf" -extensions ext -batch -notext \
	    -outdir "$dir/db" -preserveDN \
	    -startdate "$(date -u -d "$from" +%Y%m%d%H%M%SZ)" \
	    -enddate "$(date -u -d "$to" +%Y%m%d%H%M%SZ)" \
	    -in "$dir/db/$name.csr" -out "$dir/$name.pem"
	if [ "$issuer" = "$name" ]; then
		set -- "$@" -selfsign -keyfile "$dir/$name.key"
	else
		set -- "$@" -keyfile "$dir/$issuer.key" -cert "$dir/$issuer.pem"
	fi
	openssl ca "$@" 2>"$dir/db/$name.err" || {
		cat "$dir/db/$name.err" >&2
		return 1
	}
	if [ "$issuer" = int ]; then
		cat "$dir/$name.pem" "$dir/int.pem" >"$dir/$name.chain.pem"
	else
		cp "$dir/$name.pem" "$dir/$name.chain.pem"
	fi
}

make_ca() {
	local usage='keyUsage = critical,keyCertSign,cRLSign'
	mkdir -p "$1" &&
	make_cert "$1" root issuer=self subject='/CN=Test Root' from=2020-01-01 \
	    to=2049-12-31 ext="basicConstraints = critical,CA:TRUE
$usage" &&
	make_cert "$1" int issuer=root subject='/CN=Test Intermediate' \
	    from=2020-01-01 to=2049-12-31 \
	    ext="basicConstraints = critical,CA:TRUE,pathlen:0
$usage" &&
	rm "$1/root.chain.pem" "$1/int.chain.pem"
}

make_crl() {
	local dir=$1 name=$2 out=$3 number=01 from='1 hour ago' to='1 day'
	local ext='' revoke='' word cert db=$1/db/crl.$2
	for word in "${@:4}"; do
		case $word in
		number=* | from=* | to=* | ext=* | revoke=*) local "$word" ;;
		*)
			echo "make_crl: $word: unknown word" >&2
			return 1 ;;
		esac
	done
	: >"$db.index"
	[ "${#number}" -gt 1 ] || number=0$number
	echo "$number" >"$db.number"
	cat >"$db.cnf" <<-END
	[ca]
	default_ca = db
	[db]
	database = $db.index
	crlnumber = $db.number
	default_md = default
	crl_extensions = ext
	[ext]
	authorityKeyIdentifier = keyid:always
	$ext
	END
	set -- -config "$db.cnf" -keyfile "$dir/$name.key" -cert "$dir/$name.pem"
	for cert in ${revoke//,/ }; do
		openssl ca "$@" -revoke "$cert" 2>/dev/null || return
	done
	openssl ca -gencrl "$@" -out "$out" \
	    -crl_lastupdate "$(date -u -d "$from" +%Y%m%d%H%M%SZ)" \
	    -crl_nextupdate "$(date -u -d "$to" +%Y%m%d%H%M%SZ)" \
	    2>/dev/null &&
	    openssl crl -in "$out" -outform DER -out "$out.der"
}
