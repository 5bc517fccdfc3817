#!/bin/sh
# SPDX-License-Identifier: MIT
# Between each two kinds of stores keys and bytes arrive, and the attributes that
# migrate-stores(7) says: what the source tells and the destination keeps, and nothing else.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
for plugin in posix s3 libs3; do
	[ -f "$builddir/plugins/.libs/$plugin.so" ] || skip_all "$plugin was not built"
done
s3d_needed
touch attributes
setfattr -n user.note -v two attributes 2>/dev/null ||
	skip_all 'no extended attributes here, or no setfattr (Debian: attr)'
SECRET=$s3_secret_key
export SECRET
s3d_up server --dialect ceph || no_s3d
page=$srcdir/man/migrate-stores.7

store() { # KIND PLACE [OPTIONS]
	case $1 in
	memory) echo "{plugin: memory, name: $2}" ;;
	posix) echo "{plugin: posix, root: $2}" ;;
	*) echo "{plugin: $1, endpoint: '$server_url', bucket: $2, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'${3:+, $3}}" ;;
	esac
}

job() { # NAME SOURCE DESTINATION [LINE]
	printf 'source: %s\ndestination: %s\n%s\n' "$2" "$3" "${4:-}" | write_job "$1.yml"
}

# ---- The page's table of attributes ------------------------------------------------------

# page_says KIND WORD...: the attributes with one of these words in that column
page_says() {
	case $1 in posix) t_column=2 ;; s3) t_column=3 ;; libs3) t_column=4 ;; memory) t_column=5 ;; esac
	shift
	sed -n '/^\.\\" table: attributes/,/^\.\\" end of table/s/^\.It \([a-z]\)/\1/p' "$page" |
		awk -F ' Ta ' -v column="$t_column" -v words=" $* " \
			'index(words, " " $column " ") { print $1 }' | sort
}

# What a kind says itself that it keeps, in the words of the page.
kind_says() {
	sed -n '/^destination:/,$s/^  keeps  *//p' check.txt | tr ',' '\n' | sed 's/^ *//
		s/^meta:\*$/meta:NAME/; s/^tag:\*$/tag:NAME/; s/^xattr:\(user\.\)*\*$/xattr:user.NAME/' | sort
}

agrees() { # KIND OPTIONS WORD...
	t_kind=$1 t_options=$2
	shift 2
	job "check-$t_kind" '{plugin: posix, root: .}' "$(store "$t_kind" kept "$t_options")"
	exits_with 0 migrate-check "check-$t_kind.yml" || return 1
	last_stdout >check.txt
	page_says "$t_kind" "$@" >said && kind_says >is && [ -s is ] && diff said is
}
mkdir kept && tool make kept
rooted=
[ "$(id -u)" -ne 0 ] || rooted=root
check 'posix keeps what the page says' agrees posix '' yes $rooted
check 'so does s3' agrees s3 '' yes
check 'and with all options' agrees s3 'tags: true, acl: copy, storage_class: copy' yes option told
check 'so does libs3' agrees libs3 '' yes
check 'so does memory' agrees memory '' yes

# ---- Each to each -------------------------------------------------------------------------

# One object with everything, and a few whose names are not quite harmless to all.
dress_files() {
	mkdir from-posix from-posix/a && printf hello >from-posix/dressed || return 1
	set -- mime_type=image/png migrate.content-encoding=gzip migrate.content-language=de \
		migrate.content-disposition='attachment; filename="x"' migrate.cache-control=max-age=60 \
		migrate.expires='Thu, 01 Jan 2032 00:00:00 GMT' migrate.meta:color=blue migrate.tag:team=a note=hi
	for t_one; do
		setfattr -n "user.${t_one%%=*}" -v "${t_one#*=}" from-posix/dressed || return 1
	done
	chmod 640 from-posix/dressed && touch -d @1600000000.25 from-posix/dressed
	printf plus >from-posix/a+b && printf percent >'from-posix/a/%41?#&' && : >from-posix/empty &&
		printf composed >"from-posix/$(printf '\303\251')" &&
		printf decomposed >"from-posix/$(printf 'e\314\201')" &&
		printf big >from-posix/A && printf small >from-posix/a/A && head -c 6291456 /dev/urandom >from-posix/z
}
dress_bucket() {
	tool make from-bucket || return 1
	find from-posix -type f | while read -r t_file; do
		tool put from-bucket "${t_file#from-posix/}" "$t_file" || return 1
	done
	tool put from-bucket dressed from-posix/dressed content-type:image/png content-encoding:gzip \
		content-language:de 'content-disposition:attachment; filename="x"' cache-control:max-age=60 \
		'expires:Thu, 01 Jan 2032 00:00:00 GMT' x-amz-meta-color:blue x-amz-meta-mtime:1600000000.25 \
		x-amz-meta-migrate-mode:640 x-amz-meta-migrate-owner:0:0 x-amz-storage-class:STANDARD_IA \
		x-amz-tagging:team=a
}
if ! dress_files || ! dress_bucket; then
	echo 'Bail out! no source'
	exit 99
fi

# What has arrived, as names of the page. Of a bucket by a client that is not ours.
arrived_in() { # KIND PLACE
	if [ "$1" = posix ]; then
		getfattr --absolute-names -d "$2/dressed" | sed -n 's/^user\.\([^=]*\)=.*/\1/p' | sed '
			s/^mime_type$/content-type/; s/^migrate\.//; s/^meta:.*/meta:NAME/; s/^tag:.*/tag:NAME/
			s/^note$/xattr:user.NAME/'
		[ "$(stat -c %Y "$2/dressed")" != 1600000000 ] || echo mtime
		[ "$(stat -c %a "$2/dressed")" != 640 ] || echo mode
	else
		tool tell "$2" class tags | sed -n 's/^dressed //p' | python3 -c '
import ast, sys
told = ast.literal_eval(sys.stdin.read().split(" ", 2)[2])
for one in told:
    if isinstance(one, list):
        print("tag:NAME" if one else "", end="\n" if one else "")
    elif isinstance(one, str) or one is None:
        print("storage-class" if one and one != "STANDARD" else "", end="\n" if one and one != "STANDARD" else "")
    else:
        name = one[0]
        print({"x-amz-meta-migrate-mode": "mode", "x-amz-meta-migrate-owner": "owner",
               "x-amz-meta-color": "meta:NAME"}.get(name, name))'
	fi | sort -u
}

# expected FROM TO: told by one and kept by the other; mtime and owner are looked at where they can be
expected() {
	page_says "$1" yes told root | grep -vx "$(page_says "$1" option | sed 's/^$/-/')" >told.txt
	page_says "$2" yes >kept.txt
	comm -12 told.txt kept.txt
	# headers that libs3 writes, though it cannot tell whether they are kept
	[ "$1:$2" != posix:libs3 ] && [ "$1:$2" != s3:libs3 ] ||
		printf '%s\n' cache-control content-disposition content-encoding
}
drop_what_is_not_seen() { # KIND
	if [ "$1" = posix ]; then grep -vx owner; else grep -vx mtime; fi
}

between() { # FROM TO EVIDENCE
	t_from=from-bucket t_name=$1-to-$2
	[ "$1" != posix ] || t_from='from-posix'
	if [ "$2" = posix ]; then mkdir "$t_name"; else tool make "$t_name"; fi || return 1
	job "$t_name" "$(store "$1" "$t_from")" "$(store "$2" "$t_name")" 'copy: {part_size: 5MiB}'
	exits_with 0 migrate-run "$t_name.yml" && same_bytes "$2" "$t_name" || return 1
	run migrate-status --explain dressed "$t_name.yml"
	last_stdout_has "verified     $3" && exits_with 0 migrate-verify "$t_name.yml"
}
same_bytes() { # KIND PLACE
	if [ "$1" = posix ]; then
		same_tree from-posix "$2"
	else
		[ -s all ] || tool show from-bucket | cut -d ' ' -f 1-3 >all
		tool show "$2" | cut -d ' ' -f 1-3 | diff all -
	fi
}
attributes_arrive() { # FROM TO
	expected "$1" "$2" | drop_what_is_not_seen "$2" | sort -u >expected.txt
	arrived_in "$2" "$1-to-$2" | drop_what_is_not_seen "$2" >arrived.txt
	[ -s arrived.txt ] && diff expected.txt arrived.txt
}

for from in posix s3 libs3; do
	for to in posix s3 libs3; do
		evidence='hash'
		[ "$from" != "$to" ] || evidence='native'
		check "$from to $to: every key, every byte" between "$from" "$to" "$evidence"
		# what one kind copies by itself has more than the tables say
		[ "$from" = "$to" ] || check "$from to $to: the attributes that the page says" \
			attributes_arrive "$from" "$to"
	done
done

# ---- What is done about a loss ---------------------------------------------------------------

mkdir one && cp --preserve=all from-posix/dressed one/ && cp from-posix/empty one/
tool make fail-to drop-to
job fail '{plugin: posix, root: one}' "$(store s3 fail-to)" 'copy: {attributes: fail}'
job drop '{plugin: posix, root: one}' "$(store s3 drop-to)" 'copy: {attributes: drop}'
check 'attributes: fail' exits_with 3 migrate-run fail.yml
check 'fails that object alone' status_counts fail.yml done=1 failed=1
check 'and names what would be lost' last_output_has "does not keep 'xattr:user.note'"
check 'attributes: drop' exits_with 0 migrate-run drop.yml
check 'says nothing' last_output_lacks "does not keep"
mkdir warn-to
job warn "$(store s3 from-bucket)" '{plugin: posix, root: warn-to}' 'keys: {prefix: dressed}'
check 'attributes: warn' exits_with 0 migrate-run warn.yml
check 'counts each loss once' last_output_has "'storage-class' of 1 objects could not be kept"

finish
