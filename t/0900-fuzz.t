#!/bin/sh
# SPDX-License-Identifier: MIT
# Parsers stand whatever they are given. A build with --enable-fuzzing searches for
# FUZZ_SECONDS (10) per target; any other build replays the corpus.

. "${srcdir:-.}/t/lib.sh"

replays() {
	exits_with 0 "$1" "$2"/*
}

searches() {
	mkdir -p new crashes
	T_TIMEOUT=$((${FUZZ_SECONDS:-10} + 120))
	exits_with 0 "$1" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 -rss_limit_mb=1024 \
		-max_len=8192 -dict="$2.dict" -print_final_stats=1 -artifact_prefix=crashes/ new "$2"
}

shows_what_it_found() {
	for file in crashes/*; do
		[ -e "$file" ] || return 0
		echo "$file (base64):"
		base64 "$file"
		return 1
	done
}

for corpus in "$srcdir"/t/fuzz/corpus/*/; do
	corpus=${corpus%/}
	target=$(basename "$corpus")
	program=$builddir/t/fuzz/fuzz-$target
	if [ ! -x "$program" ]; then
		skip "fuzz-$target" 'its plugin was not built'
	elif [ "${FUZZING:-no}" = yes ]; then
		check "fuzz-$target finds nothing" searches "$program" "$corpus"
		check "fuzz-$target left no crash" shows_what_it_found
		last_stdout | sed 's/^/# /'
		grep stat: "$t_out/stderr" | sed 's/^/# /'
	else
		check "fuzz-$target accepts its corpus" replays "$program" "$corpus"
	fi
done

finish
