#!/bin/sh
# SPDX-License-Identifier: MIT
# Whose the files become that root writes: as a file system says, never as the metadata of
# an object claims, unless the job says so.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60

[ "$(id -u)" -eq 0 ] || skip_all 'only root gives files to others'
if ! a=$(id -u nobody) || ! b=$(id -g nobody) || ! www=$(id -u www-data) || ! group=$(id -g www-data); then
	skip_all 'no users nobody and www-data here'
fi

job() { # NAME SOURCE DESTINATION [LINE...]
	job_name=$1
	{
		printf 'source: %s\ndestination: %s\n' "$2" "$3"
		shift 3
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} | write_job "$job_name.yml"
}

# becomes NAME OWNER OPTIONS-OF-THE-DESTINATION LINE...: run, then every file is OWNER's
becomes() {
	t_name=$1 t_owner=$2 t_options=$3
	shift 3
	rm -rf dst "$t_name".journal*
	job "$t_name" "$source" "{plugin: posix, root: dst$t_options}" "$@"
	exits_with 0 migrate-run --progress=none "$t_name.yml" || return 1
	t_got=$(stat -c %u:%g dst/small dst/large | sort -u)
	[ "$t_got" = "$t_owner" ] || { echo "$t_got"; return 1; }
}

lost() { # N objects lost it, and that was said once before the end
	last_output_has "attribute 'owner' of $1 objects could not be kept" &&
		[ "$(grep -c "'owner' (attributes" "$t_out/stderr")" -eq 1 ]
}

# ---- From files -------------------------------------------------------------------------

mkdir src
echo small >src/small
head -c 300000 /dev/urandom >src/large
chown "$a:$b" src/small src/large
source='{plugin: posix, root: src}'

for copy in 'copy: {part_size: 64KiB}' 'copy: {part_size: 64KiB, verify: hash}'; do
	check "$copy: owners are kept" becomes files "$a:$b" '' "$copy"
	check 'nothing is lost' last_output_lacks owner
	check 'kept, when that is said' becomes files "$a:$b" ', owner: keep' "$copy"
	check 'dropped' becomes files 0:0 ', owner: drop' "$copy"
	check 'which is counted' lost 2
	check 'mapped by numbers' becomes files "$www:$group" \
		", owner: map, users: {'$a': '$www'}, groups: {'$b': '$group'}" "$copy"
	check 'nothing is lost' last_output_lacks owner
	check 'by names' becomes files "$www:$group" \
		", owner: map, users: {nobody: www-data}, groups: {nogroup: www-data}" "$copy"
	check 'all others' becomes files "$www:$b" \
		", owner: map, users: {'*': www-data, root: '4'}, groups: {'*': '*'}" "$copy"
	check 'nothing is lost' last_output_lacks owner
	check 'half of it' becomes files "$www:0" ", owner: map, users: {nobody: www-data}" "$copy"
	check 'the other half is counted' lost 2
	check 'nobody whom the map names' becomes files 0:0 ", owner: map, users: {'7': www-data}" "$copy"
	check 'is counted' lost 2
	job strict "$source" "{plugin: posix, root: strict, owner: map, users: {nobody: www-data}}" \
		"$(echo "$copy" | sed 's/}$/, attributes: fail}/')"
	check 'nor is it copied with attributes: fail' exits_with 3 migrate-run --progress=none strict.yml
	check 'that says why' status_says strict.yml .failures_by_class.attributes 2
	rm -rf strict strict.journal*
done

if setfattr -n user.migrate.owner -v 33:33 src/small && setfattr -n user.migrate.mode -v 777 src/small; then
	chmod 640 src/small
	check 'what a user wrote beside his file as its owner' becomes files "$a:$b" '' 'copy: {verify: hash}'
	check 'or mode does not count' test "$(stat -c %a dst/small)" = 640
	check 'but is carried' test "$(getfattr --only-values -n user.migrate.owner dst/small)" = 33:33
else
	skip 'what a user wrote beside his file as its owner does not count' 'no extended attributes here'
fi

# ---- The job file -----------------------------------------------------------------------

refused() { # TEXT OPTIONS
	job wrong "$source" "{plugin: posix, root: dst, $2}"
	exits_with 2 migrate-check wrong.yml && last_stderr_has "$1"
}
check 'a map without pairs is refused' refused 'map needs users or groups' 'owner: map'
check 'and pairs without a map' refused 'owner: map' "users: {'1': '2'}"
check 'a user whom nobody knows' refused 'nor a name that is known here' \
	"owner: map, users: {nobody: no-such-user}"
check 'on the left as well' refused 'on the left' "owner: map, users: {no-such-user: nobody}"
check 'a number that is none' refused 'on the right' "owner: map, groups: {'1': '4294967295'}"
check 'one user twice' refused 'was named before' "owner: map, users: {nobody: '1', '$a': '2'}"
check 'a star for one' refused 'for * on the left alone' "owner: map, users: {nobody: '*'}"
check 'another word' refused 'owner' 'owner: root'

# ---- From metadata -----------------------------------------------------------------------

if [ -z "$(command -v python3)" ] || [ ! -f "$builddir/plugins/.libs/s3.so" ] || [ ! -x "$s3d_program" ]; then
	skip 'owners that the metadata of an object claims' 'python3 is not installed, or s3 or s3d was not built'
	finish
	exit
fi
s3d_up server || no_s3d
SECRET=$s3_secret_key
export SECRET
source="{plugin: s3, endpoint: '$server_url', bucket: source, access_key: $s3_access_key, secret_key: '\${SECRET}'}"
tool make source
for t_n in small large; do
	tool put source $t_n src/$t_n "x-amz-meta-migrate-owner:$a:$b" x-amz-meta-migrate-mode:4777
done
for copy in 'copy: {part_size: 64KiB}' 'copy: {part_size: 16MiB}'; do
	check "$copy: owners that metadata claims are not believed" becomes bucket 0:0 '' "$copy"
	check 'which is counted' lost 2
	check 'nor is a bit that makes it run as somebody' test "$(stat -c %a dst/large)" = 777
	check 'unless that is asked for' becomes bucket "$a:$b" ', owner: keep' "$copy"
	check 'nothing is lost' last_output_lacks "'owner'"
	check 'or a map says who' becomes bucket "$www:$group" \
		", owner: map, users: {nobody: www-data}, groups: {nogroup: www-data}" "$copy"
	check 'dropped' becomes bucket 0:0 ', owner: drop' "$copy"
	check 'which is counted' lost 2
done
job doubt "$source" '{plugin: posix, root: doubt}' 'copy: {attributes: fail}'
check 'nor is anything lost with attributes: fail' exits_with 3 migrate-run --progress=none doubt.yml
check 'that says why' status_says doubt.yml .failures_by_class.attributes 2
check 'migrate-check tells before' exits_with 0 migrate-check --set copy.attributes=warn doubt.yml
check 'that it would be lost' last_stderr_has 'it does not keep owner'

finish
