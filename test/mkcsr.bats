#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	for type in p256 p384 ed25519 rsa2048 rsa1024; do
		make_key "$type.key" "$type" || return
	done
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" &&
	    cp -p "$BATS_FILE_TMPDIR"/*.key .
}

# request ARGS...: makes req.pem; its signature holds.
request() {
	run -0 --separate-stderr mkcsr -k p256.key "$@"
	[ -z "$stderr" ]
	printf '%s\n' "$output" >req.pem
	run -0 openssl req -in req.pem -noout -verify
}

# The names, as openssl lists them; the subject, as RFC 4514.
names() {
	openssl req -in req.pem -noout -text |
	    sed -n '/Subject Alternative Name/{n;s/^ *//p;}'
}
subject() {
	openssl req -in req.pem -noout -subject -nameopt RFC2253,utf8,-esc_msb
}

# refused MESSAGE ARGS...: exit 2, this line, no output.
refused() {
	run -2 --separate-stderr mkcsr -k p256.key "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "mkcsr: $1" ] || {
		echo "said: $stderr"
		false
	}
}

@test "mkcsr keeps the contract of all commands" {
	run -0 contract mkcsr
}

@test "mkcsr takes DNS names and addresses" {
	request -d a.example -d '*.b.example' -i 192.0.2.1 -i 2001:db8::1
	[ "$(names)" = 'DNS:a.example, DNS:*.b.example,'\
' IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1' ]
	[ "$(subject)" = subject= ]
}

@test "mkcsr -D takes URIs and email addresses" {
	request -D URI:spiffe://a.example/x%20y -D email:Joe.X@B.Example
	[ "$(names)" = \
	    'URI:spiffe://a.example/x%20y, email:Joe.X@b.example' ]
}

@test "mkcsr writes a name that comes twice once" {
	request -d a.example -d A.EXAMPLE -i ::1 -i 0:0::0:1 -d b.example
	[ "$(names)" = \
	    'DNS:a.example, IP Address:0:0:0:0:0:0:0:1, DNS:b.example' ]
}

@test "mkcsr makes the names critical when the subject is empty, else not" {
	request -d a.example
	run -0 openssl req -in req.pem -noout -text
	[[ $output == *'Subject Alternative Name: critical'* ]]
	request -d a.example -N CN=a.example
	run -0 openssl req -in req.pem -noout -text
	[[ $output == *'Subject Alternative Name: '* ]]
	[[ $output != *critical* ]]
}

@test "mkcsr asks for no names when there is a subject alone" {
	request -N CN=edge-client,O=Factory
	[ "$(subject)" = 'subject=CN=edge-client,O=Factory' ]
	[ -z "$(names)" ]
	run -0 openssl req -in req.pem -noout -text
	[[ $output != *X509v3* ]]
}

@test "mkcsr -d refuses what is no DNS name" {
	label=$(printf '%064d' 0)
	long=$(printf 'a123456789.%.0s' {1..23})x
	while IFS='|' read -r name why; do
		refused "name $name: $why" -d "$name"
	done <<-END
	|an empty label
	.|a DNS name here has no dot at its end
	a.example.|a DNS name here has no dot at its end
	a..example|an empty label
	.a.example|an empty label
	$label.example|a label of more than 63 characters
	$long|more than 253 characters
	-a.example|a label may not begin or end with a hyphen
	a-.example|a label may not begin or end with a hyphen
	foo_bar.example|a label may have letters, digits and hyphens only
	a b.example|a label may have letters, digits and hyphens only
	a.example:443|a label may have letters, digits and hyphens only
	*|* must be the whole first label, with two labels behind it
	*.example|* must be the whole first label, with two labels behind it
	a.*.example|* must be the whole first label, with two labels behind it
	*.*.b.example|* must be the whole first label, with two labels behind it
	*a.b.example|* must be the whole first label, with two labels behind it
	192.0.2.1|an IP address, not a DNS name
	2001:db8::1|an IP address, not a DNS name
	1.2.3.4.5|the last label is a number
	host.123|the last label is a number
	bücher.example|not ASCII: write it as an A-label (xn--...)
	xn--99999999.example|a label that begins with xn-- and is no Punycode
	xn--abc.example|a label that begins with xn-- and is no Punycode
	xn--a-b-c.example|a label that begins with xn-- and is no Punycode
	END
	refused 'name a\x0a.example: a label may have letters, digits and hyphens only' \
	    -d $'a\n.example'
}

@test "mkcsr -d takes A-labels and names at their longest" {
	label=$(printf '%062da' 0)
	long=$label.$label.$label.$(printf '%060da' 0)
	request -d xn--bcher-kva.example -d XN--LS8H.la -d "$long" -d localhost
	[ "$(names)" = \
	    "DNS:xn--bcher-kva.example, DNS:xn--ls8h.la, DNS:$long, DNS:localhost" ]
	refused "name a$label.example: a label of more than 63 characters" \
	    -d "a$label.example"
	refused "name $long.a: more than 253 characters" -d "$long.a"
}

@test "mkcsr -i refuses what is no address" {
	for addr in '' a.example 192.0.2 192.0.2.256 010.1.2.3 0x7f.1 \
	    192.0.2.0/24 fe80::1%eth0 '[::1]' ::g 1.2.3.4. ' 1.2.3.4'; do
		refused "name $addr: not an IP address" -i "$addr"
	done
}

@test "mkcsr -D refuses other forms and what is no URI or email address" {
	while IFS='|' read -r arg message; do
		refused "$message" -D "$arg"
	done <<-'END'
	DNS:a.example|-D DNS:a.example: neither URI:... nor email:...
	a.example|-D a.example: neither URI:... nor email:...
	URI:|name : a URI has a scheme, a colon and something behind it
	URI:a.example|name a.example: a URI has a scheme, a colon and something behind it
	URI:urn:|name urn:: a URI has a scheme, a colon and something behind it
	URI:1a:b|name 1a:b: a URI has a scheme, a colon and something behind it
	URI://a/b|name //a/b: a URI has a scheme, a colon and something behind it
	URI:urn:a b|name urn:a b: a character that a URI may not have
	URI:urn:ä|name urn:ä: not ASCII
	URI:urn:a%2|name urn:a%2: a % without two hex digits
	URI:urn:a%zz|name urn:a%zz: a % without two hex digits
	email:a.example|name a.example: an address has the form local@domain
	email:@a.example|name @a.example: an address has the form local@domain
	email:a@|name a@: an empty label
	email:a@b@c|name a@b@c: a label may have letters, digits and hyphens only
	email:a b@c|name a b@c: a character that the part before the @ may not have
	email:"a"@c|name "a"@c: a character that the part before the @ may not have
	email:.a@c|name .a@c: a dot at the wrong place
	email:a..b@c|name a..b@c: a dot at the wrong place
	email:a@*.b.c|name a@*.b.c: * must be the whole first label, with two labels behind it
	email:a@192.0.2.1|name a@192.0.2.1: an IP address, not a DNS name
	email:ä@a.example|name ä@a.example: not ASCII: write it as an A-label (xn--...)
	END
}

@test "mkcsr takes a thousand names and no more" {
	args=()
	for i in {1..1000}; do
		args+=(-d "n$i.example")
	done
	request "${args[@]}" -d n1.example
	[ "$(names | tr -cd , | wc -c)" -eq 999 ]
	refused 'name one-more.example: more than 1000 names' \
	    "${args[@]}" -d one-more.example
}

@test "mkcsr -N reads a subject as RFC 4514 writes it" {
	while IFS='|' read -r dn shown; do
		request -N "$dn"
		[ "$(subject)" = "subject=$shown" ]
	done <<-'END'
	CN=edge-client,O=Factory|CN=edge-client,O=Factory
	cn=a, o=b, c=DE|CN=a,O=b,C=DE
	CN=a\,b\+c\"d\\e,O=x\=y\;z|CN=a\,b\+c\"d\\e,O=x=y\;z
	CN=\ a\ ,O=\#b|CN=\ a\ ,O=\#b
	CN=\20a\20|CN=\ a\ 
	CN=Andr\c3\a9|CN=André
	CN=日本|CN=日本
	CN=a=b|CN=a=b
	CN=a+serialNumber=12,O=F|serialNumber=12+CN=a,O=F
	OU=a+CN=b,OU=c,OU=d|OU=a+CN=b,OU=c,OU=d
	CN=#0c0141|CN=A
	CN=#1303414243|CN=ABC
	2.5.4.3=x,2.5.4.10=y|CN=x,O=y
	1.2.3.4=x|1.2.3.4=#0C0178
	UID=u,DC=example,DC=org|UID=u,DC=example,DC=org
	STREET=Main St 1,L=X,ST=Y|street=Main St 1,L=X,ST=Y
	SN=s,GN=g,initials=i,title=t,pseudonym=p|SN=s,GN=g,initials=i,title=t,pseudonym=p
	emailAddress=a@b.example|emailAddress=a@b.example
	END
}

@test "mkcsr -N puts the most specific part last in the encoding" {
	request -N CN=a,OU=b,O=c,C=DE
	run -0 openssl asn1parse -in req.pem
	[ "$(sed -n 's/.*\(PRINTABLESTRING\|UTF8STRING\) *:\(.*\)/\1=\2/p' \
	    <<<"$output")" = $'PRINTABLESTRING=DE\nUTF8STRING=c
UTF8STRING=b\nUTF8STRING=a' ]
}

@test "mkcsr -N refuses what is no subject and says why" {
	form='not of the form CN=name,O=organization'
	space='a space at the beginning or end of a value without \ before it'
	while IFS='|' read -r dn why; do
		refused "subject ${dn//\\/\\x5c}: $why" -N "$dn"
	done <<-END
	edge-client|$form
	=a|$form
	,CN=a|$form
	CN=a,,O=b|$form
	CN|$form
	CN=a,|it ends in a separator
	CN=a+|it ends in a separator
	FOO=a|an unknown attribute; give it as a dotted number
	sha256=a|an unknown attribute; give it as a dotted number
	9.9.9=a|an unknown attribute; give it as a dotted number
	CN=a+CN=b|one attribute twice in a part
	CN= a|$space
	CN=a ,O=b|$space
	CN=a;b|one of ";<> without \ before it
	CN="a"|one of ";<> without \ before it
	CN=a\\|\ needs two hex digits or one of "#+,;<=>\ or a space behind it
	CN=a\\4|\ needs two hex digits or one of "#+,;<=>\ or a space behind it
	CN=a\\zz|\ needs two hex digits or one of "#+,;<=>\ or a space behind it
	CN=a\\00b|a control character
	CN=a\\0ab|a control character
	CN=a\\ff|not UTF-8
	CN=\\ed\\a0\\80|not UTF-8
	CN=#|# needs the hex digits of a DER string behind it
	CN=#zz|# needs the hex digits of a DER string behind it
	CN=#0c02ff|# needs the hex digits of a DER string behind it
	CN=#0c014100|# needs the hex digits of a DER string behind it
	CN=#020101|# needs the hex digits of a DER string behind it
	CN=#3000|# needs the hex digits of a DER string behind it
	CN=|a value too short for its attribute
	UID=|a value too short for its attribute
	C=D|a value too short for its attribute
	C=DEU|a value too long for its attribute
	C=D1|a country has two letters
	CN=$(printf '%065d' 0)|a value too long for its attribute
	STREET=$(printf '%0129d' 0)|a value too long for its attribute
	serialNumber=a_b|a character its attribute may not have
	emailAddress=ä@b|a character its attribute may not have
	DC=ä|a character its attribute may not have
	END
	refused 'subject CN=a\x0ab: a control character' -N $'CN=a\nb'
}

@test "mkcsr -N counts characters, not bytes" {
	name=$(printf 'ä%.0s' {1..64})
	request -N "CN=$name"
	[ "$(subject)" = "subject=CN=$name" ]
	refused "subject CN=${name}ä: a value too long for its attribute" \
	    -N "CN=${name}ä"
}

@test "mkcsr wants a name or a subject" {
	refused 'names: none, and no subject either'
	refused 'names: none, and no subject either' -N ''
}

@test "mkcsr -x takes subject and names from a certificate" {
	cp -R "$CA" ca
	make_cert ca old subject=/O=Factory/CN=edge \
	    san='DNS:a.example,IP:192.0.2.1,IP:2001:db8::1,URI:urn:x,email:a@b.c'
	request -x ca/old.chain.pem
	[ "$(subject)" = 'subject=CN=edge,O=Factory' ]
	[ "$(names)" = 'DNS:a.example, IP Address:192.0.2.1,'\
' IP Address:2001:DB8:0:0:0:0:0:1, URI:urn:x, email:a@b.c' ]
	run -0 sh -c 'mkcsr -k p256.key -x - <ca/old.pem'
}

@test "mkcsr -x keeps the encoding of the subject" {
	cp -R "$CA" ca
	printf '[req]\nstring_mask = nombstr\ndistinguished_name = dn\nprompt = no
[dn]\nO = Fabrik\nCN = M\xfcller\n' >req.cnf
	openssl req -config req.cnf -x509 -new -key p256.key -out old.pem
	request -x old.pem
	openssl asn1parse -in old.pem | grep -c T61STRING
	run -0 openssl asn1parse -in req.pem
	[[ $output == *T61STRING* ]]
}

@test "mkcsr -x refuses names it could not be given" {
	cp -R "$CA" ca
	while IFS='|' read -r name san why; do
		make_cert ca "$name" san="$san"
		refused "ca/$name.pem: $why" -x "ca/$name.pem"
	done <<-'END'
	other|otherName:1.2.3.4;UTF8:x|a name that is an otherName; only DNS, IP, URI and email names are supported
	rid|DNS:a.example,RID:1.2.3|a name that is a registeredID; only DNS, IP, URI and email names are supported
	under|DNS:a_b.example|name a_b.example: a label may have letters, digits and hyphens only
	END
	make_cert ca nul ext='subjectAltName = DER:30:0d:82:0b:61:2e:62:00:65:76:69:6c:2e:63:64'
	refused 'ca/nul.pem: name a.b\x00evil.cd: a NUL in it' -x ca/nul.pem
	make_cert ca ip3 ext='subjectAltName = DER:30:05:87:03:01:02:03'
	refused 'ca/ip3.pem: a name that is an IP address of a wrong length; only DNS, IP, URI and email names are supported' \
	    -x ca/ip3.pem
	make_cert ca bad ext='subjectAltName = DER:30:09:82:02:61'
	refused 'ca/bad.pem: a name that is unreadable; only DNS, IP, URI and email names are supported' \
	    -x ca/bad.pem
}

@test "mkcsr -x takes no other names and no other subject" {
	for args in '-d b.example' '-i ::1' '-D URI:urn:x' '-N CN=x'; do
		# shellcheck disable=SC2086
		refused '-x: not together with -d, -i, -D or -N' \
		    -x "$CA/a.example.pem" $args
	done
}

@test "mkcsr -x wants a certificate" {
	: >empty
	refused 'empty: no certificate in PEM form found' -x empty
	refused 'p256.key: no certificate in PEM form found' -x p256.key
	sed 's/^MII/MIJ/' "$CA/a.example.pem" >broken
	refused 'broken: broken certificate' -x broken
	refused 'names: none, and no subject either' -x <(
		openssl req -x509 -new -subj / -key p256.key)
}

@test "mkcsr signs with every kind of key, with the digest that fits" {
	while read -r type digest; do
		run -0 mkcsr -k "$type.key" -d a.example
		printf '%s\n' "$output" >req.pem
		run -0 openssl req -in req.pem -noout -verify -text
		[[ $output == *"Signature Algorithm: $digest"* ]]
		[ "$(openssl req -in req.pem -noout -pubkey)" = \
		    "$(openssl pkey -in "$type.key" -pubout)" ]
	done <<-'END'
	p256 ecdsa-with-SHA256
	p384 ecdsa-with-SHA384
	ed25519 ED25519
	rsa2048 sha256WithRSAEncryption
	END
}

@test "mkcsr takes keys in the other forms openssl writes" {
	openssl ec -in p256.key -out sec1.key
	openssl rsa -in rsa2048.key -traditional -out pkcs1.key
	openssl pkey -in p256.key -ec_conv_form compressed -out compressed.key
	openssl ec -in p256.key -no_public -out half.sec1
	openssl pkcs8 -topk8 -nocrypt -in half.sec1 -out half.key
	openssl ecparam -name prime256v1 -genkey -out params.key
	openssl genpkey -quiet -algorithm EC -out p521.key \
	    -pkeyopt ec_paramgen_curve:P-521
	chmod 0600 ./*.key
	for key in sec1 pkcs1 compressed half params p521; do
		run -0 mkcsr -k "$key.key" -d a.example
		printf '%s\n' "$output" >req.pem
		run -0 openssl req -in req.pem -noout -verify
		[ "$key" = compressed ] ||
		    [ "$(openssl req -in req.pem -noout -pubkey)" = \
			"$(openssl pkey -in "$key.key" -pubout)" ]
	done
}

@test "mkcsr is deterministic with RSA and Ed25519" {
	for type in rsa2048 ed25519; do
		mkcsr -k "$type.key" -d a.example -N CN=x >one
		mkcsr -k "$type.key" -d a.example -N CN=x >two
		cmp one two
	done
}

@test "mkcsr refuses keys that are open to others, encrypted or weak" {
	key() { run -2 --separate-stderr mkcsr -k "$1" -d a.example; }
	for mode in 0644 0604 0602 0660 0620; do
		chmod "$mode" p384.key
		key p384.key
		[ -z "$output" ]
		assert_stderr_line "mkcsr: p384.key: mode $mode: a private key\
 must not be open to others or writable by its group; chmod 0600 or 0640"
	done
	chmod 0640 p384.key
	run -0 mkcsr -k p384.key -d a.example

	umask 077
	openssl pkcs8 -topk8 -in p256.key -passout pass:x -out encrypted.key
	openssl ec -in p256.key -aes128 -passout pass:x -out sec1.key
	for file in encrypted.key sec1.key; do
		key "$file"
		assert_stderr_line "mkcsr: $file: the key is encrypted; an\
 unencrypted one is needed"
	done
	key rsa1024.key
	assert_stderr_line 'mkcsr: rsa1024.key: RSA key of 1024 bits; 2048 to'\
' 8192 are accepted'
	for curve in secp256k1 secp224r1; do
		openssl genpkey -quiet -algorithm EC -out curve.key \
		    -pkeyopt "ec_paramgen_curve:$curve"
		key curve.key
		assert_stderr_line "mkcsr: curve.key: curve $curve; P-256, P-384\
 and P-521 are accepted"
	done
	openssl genpkey -quiet -algorithm X25519 -out x.key
	key x.key
	assert_stderr_line 'mkcsr: x.key: key of an unknown kind; RSA, EC and'\
' Ed25519 are accepted'
	openssl pkey -in p256.key -pubout -out pub.key
	key pub.key
	assert_stderr_line 'mkcsr: pub.key: no private key in PEM form found'
	head -c 150 p256.key >half.key
	key half.key
	assert_stderr_line 'mkcsr: half.key: no private key in PEM form found'
}

# pkcs8 DER...: these bytes, one after the other, as a key in PEM.
pkcs8() {
	echo '-----BEGIN PRIVATE KEY-----'
	cat "$@" | openssl base64
	echo '-----END PRIVATE KEY-----'
}

@test "mkcsr refuses a key whose halves do not belong together" {
	broken() {
		run -2 --separate-stderr mkcsr -k bad.key -d a.example
		[ -z "$output" ]
		[ "$stderr" = 'mkcsr: bad.key: a broken key: its halves do not'\
' belong together' ]
	}
	umask 077
	make_key other.key
	for name in p256 other rsa2048; do
		openssl pkcs8 -topk8 -nocrypt -in "$name.key" -outform DER \
		    -out "$name.der"
	done
	# The last 65 bytes are the public point, the 32 from 37 on the scalar.
	head -c -65 p256.der >half
	tail -c 65 other.der >point
	pkcs8 half point >bad.key
	broken
	openssl ec -in bad.key -out sec1.key
	mv sec1.key bad.key
	broken
	for scalar in 0 377; do
		head -c 36 p256.der >start
		tail -c +69 p256.der >rest
		head -c 32 /dev/zero | tr '\0' "\\$scalar" >half
		pkcs8 start half rest >bad.key
		broken
	done
	# A byte in the middle of the modulus.
	head -c 200 rsa2048.der >start
	tail -c +202 rsa2048.der >rest
	for byte in '\01' '\02'; do
		printf '%b' "$byte" >half
		pkcs8 start half rest >bad.key
		cat start half rest | cmp -s - rsa2048.der || broken
	done
}

@test "mkcsr writes a compressed point as every CA reads it" {
	umask 077
	openssl ec -in p256.key -conv_form compressed -out p256.key
	request -d a.example
	openssl req -in req.pem -noout -pubkey | openssl pkey -pubin -text -noout |
	    grep -q '^    04:'
}

@test "mkcsr does not leak its key to a debugger or a core file" {
	mkfifo pipe
	start_bg mkcsr -k pipe -d a.example
	exec 5>pipe
	wait_for 5 grep -q '^State:.S' "/proc/$bg/status"
	run -0 grep -h 'Max core file size' "/proc/$bg/limits"
	[[ $output == *' 0 '*' 0 '* ]]
	exec 5>&-
	wait "$bg" || true
}

@test "mkcsr obeys the configuration that OPENSSL_CONF names" {
	printf '%s\n' 'openssl_conf = o' '[o]' 'alg_section = a' '[a]' \
	    'default_properties = fips=yes' >fips.cnf
	OPENSSL_CONF=$PWD/fips.cnf run -2 --separate-stderr \
	    mkcsr -k p256.key -d a.example
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	: >empty.cnf
	OPENSSL_CONF=$PWD/empty.cnf run -0 mkcsr -k p256.key -d a.example
}

teardown() {
	stop_bg
}
