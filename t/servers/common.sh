# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What starting a server takes: a port, and data that takes long to make and is the same for all tests.
# T_TEMPLATES is a folder for it; without one nothing is kept.

free_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# template_of VERSION USER: a folder for data of that server, of the user who runs it
template_of() {
	echo "${T_TEMPLATES:-}/$(echo "$1" | tr -c 'a-zA-Z0-9.\n' -)-$(id -u)-$2"
}

# copy_data TEMPLATE FOLDER: fails where there is none yet
copy_data() {
	[ -n "${T_TEMPLATES:-}" ] && [ -d "$1" ] || return
	cp -a "$1" "$2" || { rm -rf "$2" && return 1; }
}

# keep_data FOLDER TEMPLATE: whoever is first; a folder that is there does not take the place of another.
keep_data() {
	[ -n "${T_TEMPLATES:-}" ] && mkdir -p "$T_TEMPLATES" 2>/dev/null || return 0
	if ! cp -a "$1" "$2.$$" || ! mv -T "$2.$$" "$2"; then
		rm -rf "$2.$$"
	fi 2>/dev/null
}
