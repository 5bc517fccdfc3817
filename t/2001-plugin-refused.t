#!/bin/sh
# SPDX-License-Identifier: MIT
# A file that is no plugin, no safe one, or not for this migrate is refused with the reason.

. "${srcdir:-.}/t/lib.sh"

# plugin FOLDER/NAME 'C at the top' 'descriptor'...: builds a store that has nothing but its shape.
plugin() {
	mkdir -p "$(dirname "$1")"
	cat >"$1.c" <<-EOF
		#include <migrate/plugin.h>
		static enum migrate_status f_open(struct migrate_open *r) { (void)r; return MIGRATE_OK; }
		static enum migrate_status f_begin(struct migrate_begin *r) { (void)r; return MIGRATE_OK; }
		static void f_end(void *p) { (void)p; }
		static enum migrate_status f_identity(void *p, struct migrate_identity *r) { (void)p; (void)r; return MIGRATE_OK; }
		static enum migrate_status f_describe(void *p, struct migrate_describe *r) { (void)p; (void)r; return MIGRATE_OK; }
		static enum migrate_status f_probe(void *p, struct migrate_probe *r) { (void)p; (void)r; return MIGRATE_OK; }
		static enum migrate_status f_stat(void *p, struct migrate_stat *r) { (void)p; (void)r; return MIGRATE_NOT_FOUND; }
		struct config { const char *a, *b; int64_t n; };
		static struct migrate_store_ops ops = { .size = sizeof(ops), .open = f_open, .close = f_end,
			.begin = f_begin, .end = f_end, .identity = f_identity, .describe = f_describe,
			.probe = f_probe, .stat = f_stat };
		static struct migrate_option options[] = {
			{ .name = "a", MIGRATE_STRING(struct config, a), .help = "one" },
			{ .name = "b", MIGRATE_STRING(struct config, b), .help = "two" } };
		static struct migrate_plugin p = { MIGRATE_PLUGIN_HEAD, .kind = MIGRATE_STORE,
			.name = "$(basename "$1")", .version = "1", .summary = "a shape", .options = options,
			.option_count = 2, .config_size = sizeof(struct config), .store = &ops };
		$3
		#pragma GCC visibility push(default)
		const struct migrate_plugin *migrate_plugin_v1(void) { $2; return &p; }
	EOF
	# shellcheck disable=SC2086 # LINK is words
	"${CC:-cc}" -fvisibility=hidden -I"$srcdir/include" -fPIC -shared -o "$1.so" "$1.c" ${LINK:-}
}

# refused FOLDER/NAME TEXT: with status 2 and these words, naming the file.
refused() {
	exits_with 2 migrate-plugin show "$1.so" && last_stderr_has "$1.so" && last_stderr_has "$2"
}

# refuses NAME 'change' TEXT
refuses() {
	plugin "p/$1" "$2" && refused "p/$1" "$3"
}

check 'a plugin of the right shape is loaded' eval 'plugin p/good "" && exits_with 0 migrate-plugin show p/good.so'
check 'its options are shown' last_stdout_has two

check 'one for a newer interface is refused' \
	refuses newer 'p.abi = MIGRATE_ABI + 1' 'it needs a newer migrate: it speaks plugin interface 2, this is 1'
check 'one for an older one, too' refuses older 'p.abi = 0' 'build it again'
check 'a descriptor that is too small' refuses small 'p.size = 16' 'says that it has 16 bytes'
check 'or too large' refuses large 'p.size = 1u << 30' 'which cannot be'
check 'one that is larger than ours is not: it is newer' \
	eval 'plugin p/grown "" "static struct { struct migrate_plugin p; long more; } big;" &&
	plugin p/grown "big.p = p; big.p.size = sizeof(big); return &big.p" "static struct { struct migrate_plugin p; long more; } big;" &&
	exits_with 0 migrate-plugin show p/grown.so'
check 'options of a size that cannot be' refuses optsize 'p.option_size = 12' 'options say that they have 12 bytes'
check 'operations of a size that cannot be' refuses opsize 'ops.size = 13' 'operations say that they have 13 bytes'
check 'operations that end before a required one' \
	refuses opshort 'ops.size = offsetof(struct migrate_store_ops, stat)' 'a store must have the operation stat()'
check 'a missing operation is named' refuses noprobe 'ops.probe = 0' 'a store must have the operation probe(), it has none'
check 'one that another one needs, too' \
	refuses noparts 'ops.upload = (enum migrate_status (*)(void *, struct migrate_upload *))f_stat' \
	'a store with upload() must have the operation part()'
check 'a kind that is none' refuses nokind 'p.kind = 9' 'its kind 9 is none'
check 'a kind without its operations' refuses other 'p.kind = MIGRATE_DATABASE' 'but has no database operations'
check 'no version' refuses nover 'p.version = 0' 'it has no version'
check 'no summary' refuses nosum 'p.summary = ""' 'summary'
check 'nothing at all' refuses nothing 'return 0' 'returned nothing'
check 'a name that differs from the file' refuses misnamed 'p.name = "else"' "it calls itself 'else': the file must be named else.so"
check 'a name that cannot be one' refuses badname 'p.name = "../x"' 'its name is not made of'
mkdir -p p
cp p/good.so 'p/Good One.so'
check 'a file whose name cannot be one' refused 'p/Good One' "a plugin's file is named NAME.so"

check 'an option outside the struct' refuses outside 'options[1].offset = 4096' "option 'b' lies outside"
check 'an option that reaches over its end' refuses over 'options[1].offset = sizeof(struct config) - 1' "option 'b' lies outside"
check 'an option that is not aligned' refuses skew 'options[1].offset = 9' "option 'b' is not aligned"
check 'two options in one field' refuses twice 'options[1].offset = options[0].offset' 'lie in the same field'
check 'two options of one name' refuses twins 'options[1].name = "a"' "two options named 'a'"
check 'an option without help' refuses nohelp 'options[0].help = 0' "option 'a' has no help"
check 'an option without a type' refuses notype 'options[0].type = 99' "option 'a' has a type that is none"
check 'an option named plugin' refuses named 'options[0].name = "plugin"' 'cannot stand in a job file'
check 'choices without a choice' refuses choice \
	'options[0].type = MIGRATE_TYPE_CHOICE; options[0].choices = "x||y"' "option 'a' has choices"
check 'a default that is no choice' refuses nochoice \
	'options[0].type = MIGRATE_TYPE_CHOICE; options[0].choices = "x|y"; options[0].value = "z"' "option 'a' has choices or a default"
check 'a required option with a default' refuses needed \
	'options[0].flags = MIGRATE_REQUIRED; options[0].value = "z"' 'is required and yet has a default'
check 'a minimum above the maximum' refuses minmax 'options[0].min = 2; options[0].max = 1' 'minimum above its maximum'

# ---- Files ------------------------------------------------------------------------

write_file p/text.so 'this is no ELF file, but it is long enough to be taken for something: 0123456789'
check 'a file that is no ELF file' refused p/text 'it is no ELF file, so no plugin'
: >p/empty.so
check 'an empty file' refused p/empty 'it is no ELF file, so no plugin'
mkdir p/folder.so
check 'a folder' refused p/folder 'it is no regular file'
mkfifo p/pipe.so
check 'a pipe, without waiting for it' refused p/pipe 'it is no regular file'
echo 'int x;' >p/object.c
"${CC:-cc}" -c -o p/object.so p/object.c
check 'an object file' refused p/object 'it is no shared object'
"${CC:-cc}" -fPIC -shared -o p/symbol.so p/object.c
check 'a library without the symbol' refused p/symbol 'it does not export migrate_plugin_v1()'
echo 'int nowhere(void) { return 1; }' >p/nowhere.c
"${CC:-cc}" -fPIC -shared -Wl,-soname,libnowhere.so.9 -o p/libnowhere.so p/nowhere.c
LINK=p/libnowhere.so plugin p/lonely 'p.kind = (unsigned int)nowhere()' 'extern int nowhere(void);'
check 'a library that is missing is named' refused p/lonely 'it needs libnowhere.so.9, which is not installed'
plugin p/undefined 'undefined_function()' 'extern void undefined_function(void);'
check 'a function that is missing is named' refused p/undefined undefined_function
check 'a file that is not there' refused p/nobody 'No such file'

# ---- Whose files --------------------------------------------------------------------

plugin safe/mine ''
chmod g+w safe/mine.so
check 'a file that the group may write' refused safe/mine 'can be written to by others: not loaded'
chmod 757 safe/mine.so
check 'a file that everybody may write' refused safe/mine 'can be written to by others: not loaded'
chmod 755 safe/mine.so
check 'otherwise it is loaded' exits_with 0 migrate-plugin show safe/mine.so
chmod 777 safe
check 'a folder that everybody may write' refused safe/mine 'the folder'
chmod 1777 safe
check 'also when it is sticky' refused safe/mine 'can be written to by others'
ln -s "$PWD/safe/mine.so" p/mine.so
check 'also behind a symbolic link' refused p/mine 'can be written to by others'
chmod 755 safe
check 'a link to a safe place is fine' exits_with 0 migrate-plugin show p/mine.so
if [ "$(id -u)" -eq 0 ]; then
	chown 12345 safe/mine.so
	check "somebody else's file" refused safe/mine 'belongs to user 12345, neither to root nor to you'
	chown 0 safe/mine.so
	chown 12345 safe
	check "somebody else's folder" refused safe/mine 'belongs to user 12345'
	chown 0 safe
else
	skip "somebody else's file" 'only root can give files away'
	skip "somebody else's folder" 'only root can give files away'
fi

# ---- Names ----------------------------------------------------------------------------

MIGRATE_PLUGIN_PATH=$PWD/safe:$MIGRATE_PLUGIN_PATH
export MIGRATE_PLUGIN_PATH
check 'a name that no plugin has: the installed ones are named' exits_with 2 migrate-plugin show mime
check 'all of them' last_output_has "there is no plugin 'mime'" 'memory' 'mine'
check 'a name is no path' exits_with 2 migrate-plugin show '..%2fmine'
check 'list names them all' exits_with 0 migrate-plugin list
check 'with kind and summary' eval "last_stdout | grep -q '^mine  *store  *1  *a shape'"
cp p/text.so safe/broken.so
chmod 755 safe/broken.so
check 'one that is refused does not hide the others' exits_with 2 migrate-plugin list
check 'they are listed' last_stdout_has mine
check 'and it is named with the reason' last_stderr_has 'safe/broken.so: it is no ELF file'

write_job job.yml <<EOF
source: {plugin: mine}
destination: {plugin: memory, name: x}
databases: [{plugin: memory}]
EOF
check 'a store is no database' exits_with 2 migrate-run job.yml
check 'and the message says so' last_output_has "plugin 'memory' is a store, not a database"

finish
