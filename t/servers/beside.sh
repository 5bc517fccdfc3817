# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # what t/lib.sh and the test set
#
# Beside an application that writes: words, and promises that are the same for each server. Read after
# t/lib.sh and a server's file. The test says what is different:
#
#     db STATEMENTS            their answers, to the byte
#     client                   execs the server's client, which reads statements from the pipe `say`
#     blocked                  somebody waits for a lock
#     ddl KIND                 of a table t of that kind; nothing: the usual one
#     fresh [DDL]              that table anew, with rows 1 to $n, and no copies and no journal
#     $database                the section of the job, but for what each test adds to it

sources() { # N
	n=$1
	mkdir -p old/image
	for t_i in $(seq "$n"); do
		write_file "old/image/$t_i" "image $t_i"
	done
}

job() { # MORE [LINE...]: of the database; lines of the job
	{
		echo 'source: {plugin: posix, root: old}'
		echo 'destination: {plugin: posix, root: new}'
		echo 'rename: [{prefix: image/, to: avatar/}]'
		printf 'databases:\n  - {%s, table: t, %s}\n' "$database" "$1"
		shift
		printf '%s\n' "$@"
	} | write_job job.yml
}

# holds STATEMENTS: the application does that, and does not commit until it is told to
holds() {
	rm -f say
	mkfifo say
	start application client
	exec 9>say
	echo "BEGIN; $1; SELECT 'held';" >&9
	wait_until 20 grep -q held "$t_out/application.stdout"
}

lets_go() {
	echo 'COMMIT;' >&9
	exec 9>&-
	ends_with 0 application
}

# beside STATUS STATEMENTS: a run, which waits for what the application has locked, and ends so
beside() {
	holds "$2" || return 1
	start run migrate-run --progress=none job.yml
	wait_until 30 blocked || return 1
	lets_go && ends_with "$1" run
}

rows_are() { # CONDITION COUNT
	t_got=$(db "SELECT count(*) FROM t WHERE $1") || return 1
	[ "$t_got" = "$2" ] || { echo "$t_got rows are so, instead of $2"; return 1; }
}

moved() { # N
	rows_are "path = concat('avatar/', id)" "$1"
}

# would_put_back ID HEX: the columns of set: that a revert would restore
would_put_back() {
	t_got=$(sqlite3 job.journal "SELECT hex(extra) FROM row WHERE text = 'id=$1' AND outcome IS NOT 6")
	[ "$t_got" = "$2" ] || { echo "$t_got"; return 1; }
}

# ---- Promises ----------------------------------------------------------------------------------

columns_of_set_are_compared() { # KIND...: of tables
	for t_kind; do
		fresh "$(ddl "$t_kind")"
		job "column: path, where: \"service IN ('old', 'new')\", set: {service: new}"
		check "columns of set: that the application wrote ($t_kind)" \
			beside 3 "UPDATE t SET service = 'archive' WHERE id BETWEEN 5 AND 9"
		check 'are conflicts' status_counts job.yml rows.conflict=5 rows.changed=$((n - 5)) rows.failed=0
		check 'and stay' rows_are "path = concat('image/', id) AND service = 'archive'" 5
		check 'what they hold is said' last_output_has "meanwhile: path = 'image/5', service = 'archive'"
		check 'the others are changed' rows_are "path = concat('avatar/', id) AND service = 'new'" $((n - 5))
	done

	fresh
	db 'UPDATE t SET service = NULL'
	job 'column: path, set: {service: new}'
	check 'an empty text is not the NULL that was found' beside 3 "UPDATE t SET service = '' WHERE id = 5"
	check 'it stays' rows_are "path = 'image/5' AND service IS NOT NULL" 1
	check 'NULL became what the job says' rows_are "service = 'new'" $((n - 1))

	fresh
	job 'column: path, set: {service: new}'
	check 'one that the application set to what the job says is well' \
		beside 0 "UPDATE t SET service = 'new' WHERE id = 5"
	check 'the row is changed' rows_are "path = concat('avatar/', id) AND service = 'new'" "$n"
	check 'a revert would put back what it held under the lock' would_put_back 5 01000000036E6577
	check 'and of others what they held' would_put_back 6 01000000036F6C64

	fresh
	job 'column: path, set: {service: new}'
	check 'a value that the application changed alone is not the change' \
		beside 3 "UPDATE t SET path = 'avatar/5' WHERE id = 5; UPDATE t SET path = 'avatar/6', service = 'new' WHERE id = 6"
	check 'and is left alone' rows_are "path = 'avatar/5' AND service = 'old'" 1
	check 'both are, and count as made already' status_counts job.yml rows.conflict=1 rows.already=1 rows.gone=0
}

where_is_asked_again() {
	fresh
	job 'column: path, where: NOT deleted'
	check 'rows that where: leaves out meanwhile' beside 3 'UPDATE t SET deleted = true WHERE id > 10'
	check 'are left alone' rows_are "path = concat('image/', id)" 10
	check 'which is said' last_output_has "path = 'image/11'; where is not true of it any more"
	check 'the others are changed' rows_are "path = concat('avatar/', id) AND NOT deleted" 10

	fresh
	db 'CREATE TABLE hidden (id int)'
	job 'column: path, where: "id NOT IN (SELECT id FROM hidden)"'
	check 'rows that another table leaves out, too' \
		beside 3 "SELECT id FROM t WHERE id = 5 FOR UPDATE; INSERT INTO hidden VALUES (5)"
	check 'are left alone' rows_are "path = 'image/5'" 1

	fresh
	job 'column: path, where: NOT deleted'
	check 'a row that was deleted meanwhile is gone, and no failure' beside 0 'DELETE FROM t WHERE id = 5'
	check 'it is counted' status_counts job.yml rows.gone=1 rows.changed=$((n - 1))
}

texts_are_compared() {
	fresh
	db "UPDATE t SET path = concat('see image/', id, '!')"
	job 'column: path, match: contains, where: NOT deleted, set: {service: new}'
	check 'texts: rows that are deleted softly meanwhile' \
		beside 0 "UPDATE t SET deleted = true WHERE id = 5; UPDATE t SET service = 'archive' WHERE id = 6"
	check 'stay' rows_are "path = 'see image/5!' AND service = 'old'" 1
	check 'what the application wrote to others is known when they are read again' \
		rows_are "path = 'see avatar/6!' AND service = 'new'" 1
	check 'and would be put back' would_put_back 6 010000000761726368697665
}
