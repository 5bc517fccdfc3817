#!/bin/sh
# SPDX-License-Identifier: MIT
# WordPress: addresses of media in posts, and in metadata that PHP serialised, on MariaDB. The
# example in etc/examples is run here, with other places in it.
# shellcheck disable=SC2016 # variables and groups of job files are theirs

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
T_TIMEOUT=60
mariadb_needed
mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }

# The tables as WordPress 6 makes them, without columns that hold no text.
my "CREATE TABLE wp_posts (ID bigint(20) unsigned NOT NULL AUTO_INCREMENT,
		post_content longtext NOT NULL, post_title text NOT NULL, guid varchar(255) NOT NULL DEFAULT '',
		PRIMARY KEY (ID)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
	CREATE TABLE wp_postmeta (meta_id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
		post_id bigint(20) unsigned NOT NULL DEFAULT 0, meta_key varchar(255) DEFAULT NULL,
		meta_value longtext, PRIMARY KEY (meta_id), KEY post_id (post_id), KEY meta_key (meta_key(191)))
		ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci"

old=https://www.example.com/wp-content/uploads
new=https://media.example.com
for file in 2024/05/cat.jpg 2024/05/cat-300x200.jpg '2024/05/naïve (1).png'; do
	write_file "uploads/$file" "bytes of $file"
done
mkdir -p bucket

my "INSERT INTO wp_posts (post_content, post_title, guid) VALUES
	('<!-- wp:image {\"id\":5,\"url\":\"https:\\\\/\\\\/www.example.com\\\\/wp-content\\\\/uploads\\\\/2024\\\\/05\\\\/cat.jpg\"} -->
<img src=\"$old/2024/05/cat-300x200.jpg\" srcset=\"$old/2024/05/cat-300x200.jpg 300w, $old/2024/05/cat.jpg 1200w\">',
		'Straße: $old/2024/05/cat.jpg', '$old/2024/05/cat.jpg'),
	('<a href=\"$old/2024/05/na%C3%AFve%20(1).png\">$old/2024/05/other.jpg</a>', '', '$old/?p=2'),
	('no media', '', '')"
value='a:2:{s:5:"title";s:8:"Straße!";s:3:"url";s:'$((${#old} + 16))':"'$old'/2024/05/cat.jpg";}'
bytes_in() {
	printf %s "$1" | wc -c | tr -d ' '
}
twice='s:'$(bytes_in "$value")':"'$value'";'
my "INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES
	(1, '_wp_attached_file', '2024/05/cat.jpg'), (1, '_widget', '$value'), (1, '_twice', '$twice'),
	(1, '_broken', 's:5:\"$old/2024/05/cat.jpg\";'), (1, '_null', NULL),
	(1, '_big', CONCAT(REPEAT('lorem ipsum ', 200000), '$old/2024/05/cat.jpg'))"

sed '/^source:/,/^destination:/ s|root: .*|root: uploads|
	/^destination:/,/^databases:/ { s|^destination:.*|destination: {plugin: posix, root: bucket}|; /^  /d; }
	s|connection: .*|connection: "${mysql_uri}"|' "$srcdir/etc/examples/wordpress.yml" >job.yml
export mysql_uri

check 'the example is checked' exits_with 0 migrate-check job.yml
check 'it can be planned' exits_with 3 migrate-run --dry-run job.yml
check 'a run' exits_with 3 migrate-run job.yml
check 'blocks, images and sets of them' my_says 'SELECT post_content FROM wp_posts WHERE ID = 1' \
	"<!-- wp:image {\"id\":5,\"url\":\"https:\\/\\/media.example.com\\/2024\\/05\\/cat.jpg\"} -->
<img src=\"$new/2024/05/cat-300x200.jpg\" srcset=\"$new/2024/05/cat-300x200.jpg 300w, $new/2024/05/cat.jpg 1200w\">"
check 'letters and brackets, and what was never uploaded' my_says 'SELECT post_content FROM wp_posts WHERE ID = 2' \
	"<a href=\"$new/2024/05/na%C3%AFve%20%281%29.png\">$old/2024/05/other.jpg</a>"
check 'columns that the job does not name stay' my_says 'SELECT post_title FROM wp_posts WHERE ID = 1' \
	"Straße: $old/2024/05/cat.jpg"
check 'guids' my_says "SELECT GROUP_CONCAT(guid ORDER BY ID SEPARATOR ' ') FROM wp_posts" \
	"$new/2024/05/cat.jpg $old/?p=2 "
changed='a:2:{s:5:"title";s:8:"Straße!";s:3:"url";s:'$((${#new} + 16))':"'$new'/2024/05/cat.jpg";}'
check 'serialised values have the right lengths' my_says \
	"SELECT meta_value FROM wp_postmeta WHERE meta_key = '_widget'" "$changed"
check 'those in others too' my_says "SELECT meta_value FROM wp_postmeta WHERE meta_key = '_twice'" \
	's:'"$(bytes_in "$changed")"':"'"$changed"'";'
check 'paths stay, as the keys do' my_says \
	"SELECT meta_value FROM wp_postmeta WHERE meta_key = '_wp_attached_file'" 2024/05/cat.jpg
check 'megabytes' my_says "SELECT RIGHT(meta_value, 30), LENGTH(meta_value) FROM wp_postmeta
	WHERE meta_key = '_big'" "$(printf '%s\t%s' "$(printf '%s' "$new/2024/05/cat.jpg" | tail -c 30)" \
	$((2400000 + ${#new} + 16)))"
check 'what is broken stays' my_says "SELECT meta_value FROM wp_postmeta WHERE meta_key = '_broken'" \
	"s:5:\"$old/2024/05/cat.jpg\";"
check 'and is told' last_output_has 'meta_id=4: failed: names objects in a serialised value'
if command -v php >/dev/null; then
	my "SELECT meta_value FROM wp_postmeta WHERE meta_key = '_twice'" >twice
	check 'PHP can read it' sh -c \
		'php -r "exit(is_array(unserialize(unserialize(trim(file_get_contents(\"twice\"))))) ? 0 : 1);"'
else
	skip 'PHP can read it' 'there is no PHP here'
fi
check 'once more' exits_with 3 migrate-run job.yml
check 'there is nothing to replace' last_output_has '(wp_posts.post_content): 3 texts read, 0 values to replace'

finish
