#!/bin/sh
# SPDX-License-Identifier: MIT
# Parsers stand whatever they are given. A build with --enable-fuzzing searches for
# FUZZ_SECONDS (10) per target; any other build replays the corpus.

. "${srcdir:-.}/t/lib.sh"

replays() {
	exits_with 0 "$1" "$2"/*
}

search() { # TARGET CORPUS
	mkdir -p "$1/new" "$1/crashes"
	exec timeout --foreground -k 5 $((${FUZZ_SECONDS:-10} + 120)) "$builddir/t/fuzz/fuzz-$1" \
		-max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 -rss_limit_mb=1024 \
		-max_len=8192 -dict="$2.dict" -print_final_stats=1 -artifact_prefix="$1/crashes/" "$1/new" "$2"
}

shows_what_it_found() { # TARGET
	for file in "$1"/crashes/*; do
		[ -e "$file" ] || return 0
		echo "$file (base64):"
		base64 "$file"
		return 1
	done
}

# What was begun comes to its end.
searching=
await_searches() {
	for one in $searching; do
		check "fuzz-$one finds nothing" ends_with 0 "$one"
		check "fuzz-$one left no crash" shows_what_it_found "$one"
		last_stdout | sed 's/^/# /'
		grep stat: "$t_out/stderr" | sed 's/^/# /'
	done
	searching=
}

for corpus in "$srcdir"/t/fuzz/corpus/*/; do
	corpus=${corpus%/}
	target=$(basename "$corpus")
	program=$builddir/t/fuzz/fuzz-$target
	if [ ! -x "$program" ]; then
		skip "fuzz-$target" 'its plugin was not built'
	elif [ "${FUZZING:-no}" = yes ]; then
		# each has a processor
		[ "$(echo "$searching" | wc -w)" -lt "$(nproc)" ] || await_searches
		start "$target" search "$target" "$corpus"
		searching="$searching $target"
	else
		check "fuzz-$target accepts its corpus" replays "$program" "$corpus"
	fi
done
await_searches

finish
