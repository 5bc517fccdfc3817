/* SPDX-License-Identifier: MIT */
#include "report/progress-impl.h"

#include "base/clock.h"
#include "base/escape.h"

#include <stdio.h>
#include <string.h>

#define BAR_MIN 8u
#define BAR_MAX 30u
#define BOUNCE 4u /* columns of the block that wanders while the total is unknown */
#define PART_MAX 160

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

/*
 * The line is made of parts. Each has a rank: where the terminal is narrow the
 * parts of the highest rank are left out first.
 */
enum part_id {
	PART_JOB,
	PART_STATE,
	PART_BAR,
	PART_PERCENT,
	PART_OBJECTS,
	PART_BYTES,
	PART_RATE,
	PART_SPEED,
	PART_LEFT,
	PART_FAILED,
	PART_ROWS,
	PART_NOTE,
	PART_COUNT
};

struct part {
	char text[PART_MAX];
	const char *colour; /* NULL: none */
	int rank;
	bool shown;
};

/* Columns; what is not ASCII counts as two, so that a line is rather too short than wrapped. */
static unsigned columns(const char *s)
{
	unsigned n = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x80)
			n++;
		else if (c >= 0xc0)
			n += 2;
	}
	return n;
}

static unsigned total_columns(const struct part *parts)
{
	unsigned n = 0;

	for (size_t i = 0; i < PART_COUNT; i++)
		if (parts[i].shown)
			n += (n ? 2 : 0) + (i == PART_BAR ? BAR_MIN : columns(parts[i].text));
	return n;
}

static void drop_parts(struct part *parts, unsigned width)
{
	while (total_columns(parts) > width) {
		size_t worst = PART_COUNT;

		for (size_t i = 0; i < PART_COUNT; i++)
			if (parts[i].shown && parts[i].rank &&
			    (worst == PART_COUNT || parts[i].rank >= parts[worst].rank))
				worst = i;
		if (worst == PART_COUNT)
			return;
		parts[worst].shown = false;
	}
}

static void show_part(struct part *p, int rank, const char *colour)
{
	p->shown = true;
	p->rank = rank;
	p->colour = colour;
}

static unsigned percent(const struct snapshot *s)
{
	uint64_t all = s->bytes ? s->bytes : s->objects,
		 done = s->bytes ? s->bytes_done : s->objects_done;

	if (s->objects_done >= s->objects)
		return 100;
	if (!all || done > all)
		return 0;
	done = (uint64_t)(100.0 * (double)done / (double)all);
	return done > 99 ? 99 : (unsigned)done;
}

static void make_counts(struct part *parts, const struct snapshot *s)
{
	const char *more = s->total_known ? "" : "+";
	char done[32], all[32];

	format_count(done, sizeof(done), s->objects_done);
	format_count(all, sizeof(all), s->objects);
	snprintf(parts[PART_OBJECTS].text, PART_MAX, "%s/%s%s", done, all, more);
	show_part(&parts[PART_OBJECTS], 0, NULL);
	format_bytes(done, sizeof(done), s->bytes_done);
	format_bytes(all, sizeof(all), s->bytes);
	snprintf(parts[PART_BYTES].text, PART_MAX, "%s/%s%s", done, all, more);
	show_part(&parts[PART_BYTES], 5, NULL);
	if (s->rows) {
		format_count(done, sizeof(done), s->rows);
		snprintf(parts[PART_ROWS].text, PART_MAX, "%s rows", done);
		show_part(&parts[PART_ROWS], 6, NULL);
	}
}

static void make_rates(struct part *parts, const struct snapshot *s, const struct rates *r)
{
	int64_t left = rates_left(r, s);
	char text[32];

	format_count(text, sizeof(text), (uint64_t)(r->object_rate + 0.5));
	snprintf(parts[PART_RATE].text, PART_MAX, "%s/s", text);
	show_part(&parts[PART_RATE], 4, NULL);
	format_bytes(text, sizeof(text), (uint64_t)r->byte_rate);
	snprintf(parts[PART_SPEED].text, PART_MAX, "%s/s", text);
	show_part(&parts[PART_SPEED], 7, NULL);
	if (left < 0 || s->objects_done >= s->objects)
		return;
	format_duration(text, sizeof(text), left < NS_PER_S ? NS_PER_S : left);
	snprintf(parts[PART_LEFT].text, PART_MAX, "ETA %s", text);
	show_part(&parts[PART_LEFT], 2, NULL);
}

static void make_trouble(struct part *parts, const struct snapshot *s)
{
	char text[32];

	if (s->failed || s->rows_conflict) {
		format_count(text, sizeof(text), s->failed + s->rows_conflict);
		snprintf(parts[PART_FAILED].text, PART_MAX, "%s failed", text);
		show_part(&parts[PART_FAILED], 0, RED);
	}
	if (s->note && *s->note) {
		snprintf(parts[PART_NOTE].text, PART_MAX, "%s", s->note);
		show_part(&parts[PART_NOTE], 9, YELLOW);
	}
}

static void make_line_parts(struct part *parts, const char *job, const struct snapshot *s,
			    const struct rates *r)
{
	bool paused = !strncmp(s->state, "paused", 6);

	memset(parts, 0, PART_COUNT * sizeof(*parts));
	snprintf(parts[PART_JOB].text, PART_MAX, "%s", job);
	show_part(&parts[PART_JOB], 8, NULL);
	snprintf(parts[PART_STATE].text, PART_MAX, "%s", s->state);
	show_part(&parts[PART_STATE], paused ? 0 : 3, paused ? YELLOW : NULL);
	show_part(&parts[PART_BAR], 1, GREEN);
	if (s->total_known) {
		snprintf(parts[PART_PERCENT].text, PART_MAX, "%3u%%", percent(s));
		show_part(&parts[PART_PERCENT], 0, NULL);
	}
	make_counts(parts, s);
	make_rates(parts, s, r);
	make_trouble(parts, s);
}

static void add_cells(struct buf *out, const char *cell, unsigned n)
{
	while (n--)
		buf_add_text(out, cell);
}

/* While the total is unknown a block wanders from side to side. */
static void add_bar(struct buf *out, const struct line_style *style, const struct snapshot *s,
		    unsigned width)
{
	const char *full = style->unicode ? "█" : "#", *empty = style->unicode ? "░" : "-";
	unsigned from = 0, n = percent(s) * width / 100;

	if (!s->total_known) {
		unsigned span = width - BOUNCE;
		unsigned step = (unsigned)(s->at / (200 * NS_PER_MS) % (2 * span));

		from = step < span ? step : 2 * span - step;
		n = BOUNCE;
	}
	add_cells(out, empty, from);
	add_cells(out, full, n);
	add_cells(out, empty, width - from - n);
}

/* The note takes what room is left. */
static void fit_note(struct part *parts, unsigned width)
{
	struct part *note = &parts[PART_NOTE];
	unsigned others;
	size_t n = 0;

	if (!note->text[0])
		return;
	note->shown = false;
	others = total_columns(parts) + 2;
	if (others + 8 > width)
		return;
	for (unsigned used = 0; note->text[n]; n++) {
		unsigned char c = (unsigned char)note->text[n];

		used += c < 0x80 ? 1 : c >= 0xc0 ? 2 : 0;
		if (used > width - others)
			break;
	}
	note->text[n] = '\0';
	note->shown = true;
}

void line_draw(struct buf *out, const struct line_style *style, const char *job,
	       const struct snapshot *s, const struct rates *r)
{
	struct part parts[PART_COUNT];
	unsigned used, bar = BAR_MIN, most = style->width / 5;
	bool first = true;

	make_line_parts(parts, job, s, r);
	parts[PART_NOTE].shown = false;
	drop_parts(parts, style->width);
	fit_note(parts, style->width);
	used = total_columns(parts);
	if (used < style->width)
		bar += style->width - used;
	/* a share of the line, so that it does not breathe with the numbers */
	most = most < BAR_MIN ? BAR_MIN : most > BAR_MAX ? BAR_MAX : most;
	for (size_t i = 0; i < PART_COUNT; i++) {
		const char *colour = style->colour ? parts[i].colour : NULL;

		if (!parts[i].shown)
			continue;
		buf_add_text(out, first ? "" : "  ");
		buf_add_text(out, colour ? colour : "");
		if (i == PART_BAR)
			add_bar(out, style, s, bar < most ? bar : most);
		else
			buf_add_text(out, parts[i].text);
		buf_add_text(out, colour ? PLAIN : "");
		first = false;
	}
}

static void add_note(struct buf *out, const struct snapshot *s)
{
	if (!s->note || !*s->note)
		return;
	buf_add_text(out, " (");
	escape_message(out, s->note, strlen(s->note));
	buf_add_text(out, ")");
}

void line_plain(struct buf *out, const char *job, const struct snapshot *s, const struct rates *r)
{
	char done[32], all[32], bytes[32], of[32], rate[32], speed[32], text[512];
	const char *more = s->total_known ? "" : " or more";
	int64_t left = rates_left(r, s);

	format_count(done, sizeof(done), s->objects_done);
	format_count(all, sizeof(all), s->objects);
	format_bytes(bytes, sizeof(bytes), s->bytes_done);
	format_bytes(of, sizeof(of), s->bytes);
	format_count(rate, sizeof(rate), (uint64_t)(r->object_rate + 0.5));
	format_bytes(speed, sizeof(speed), (uint64_t)r->byte_rate);
	snprintf(text, sizeof(text), "%s: %s", job, s->state);
	buf_add_text(out, text);
	add_note(out, s);
	snprintf(text, sizeof(text), ": %s of %s objects%s, %s of %s, %s/s, %s/s", done, all, more,
		 bytes, of, rate, speed);
	buf_add_text(out, text);
	if (left >= 0 && s->objects_done < s->objects) {
		format_duration(done, sizeof(done), left < NS_PER_S ? NS_PER_S : left);
		snprintf(text, sizeof(text), ", about %s left", done);
		buf_add_text(out, text);
	}
	if (s->failed || s->rows_conflict) {
		format_count(done, sizeof(done), s->failed + s->rows_conflict);
		snprintf(text, sizeof(text), ", %s failed", done);
		buf_add_text(out, text);
	}
	buf_add_text(out, "\n");
}
