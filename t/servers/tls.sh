# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Authorities and certificates for one test, in the present folder.

# shellcheck disable=SC2154 # what t/lib.sh sets
. "$srcdir/t/servers/common.sh"

# tls_authority NAME: NAME.pem and NAME.key
tls_authority() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.pem" -days 2 \
		-subj "/CN=authority $1" -addext basicConstraints=critical,CA:TRUE 2>tls.log
}

# tls_certificate AUTHORITY NAME HOST [ADDRESS]: NAME.pem and NAME.key
tls_certificate() {
	{
		echo "subjectAltName=DNS:$3${4:+,IP:$4}"
		echo 'basicConstraints=CA:FALSE'
	} >"$2.ext"
	openssl req -newkey rsa:2048 -nodes -keyout "$2.key" -out "$2.csr" -subj "/CN=$3" 2>tls.log &&
		openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days 2 \
			-extfile "$2.ext" -out "$2.pem" 2>tls.log && chmod 600 "$2.key"
}
