#include "daemon/known_peers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/own_file.h"
#include "session/key.h"

enum { NAME_ROOM = TH_OPTION_HOST_MAX + 16, ENTRY_ROOM = NAME_ROOM + TH_KEY_TEXT + 1 };

struct reading {
	const char *path; /* borrowed, as the complaints are */
	struct th_complaints *c;
	char *text; /* owned; TH_KNOWN_PEERS_BYTES, and room for one entry more */
	size_t n;
	char name[NAME_ROOM]; /* the target's */
	unsigned lines, line; /* in all; the target's, 0 when it is not known */
	uint8_t key[TH_NOISE_DH];
};

/* As the table of options writes a target. */
static void name_target(char out[NAME_ROOM], const struct th_target *t)
{
	if (strchr(t->host, ':'))
		snprintf(out, NAME_ROOM, "[%s]:%u", t->host, (unsigned)t->port);
	else
		snprintf(out, NAME_ROOM, "%s:%u", t->host, (unsigned)t->port);
}

static bool same_name(struct th_str a, const char *b)
{
	return th_str_ieq(a, th_str_of(b));
}

/* HOST:PORT as far as it can be told from rubbish. */
static bool is_name(struct th_str s)
{
	size_t at = s.n;

	while (at > 0 && s.p[at - 1] >= '0' && s.p[at - 1] <= '9')
		at--;
	if (at == s.n || at < 2 || s.p[at - 1] != ':' || s.n >= NAME_ROOM)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

static enum th_err take_line(struct reading *r, struct th_str line)
{
	const char *space = line.n ? memchr(line.p, ' ', line.n) : NULL;
	uint8_t key[TH_NOISE_DH];
	struct th_str name, text;

	r->lines++;
	if (line.n == 0 || line.p[0] == '#')
		return TH_OK;
	name = (struct th_str){ line.p, space ? (size_t)(space - line.p) : line.n };
	text = space ? (struct th_str){ space + 1, line.n - name.n - 1 } : TH_STR("");
	if (!is_name(name) || th_key_parse(key, text) != TH_OK) {
		th_complain(r->c,
			    "%s:%u: is not \"HOST:PORT KEY\" with a key of 43 characters; mend or delete the line",
			    r->path, r->lines);
		return TH_ERR_MALFORMED;
	}
	if (!same_name(name, r->name))
		return TH_OK;
	if (r->line) {
		th_complain(r->c, "%s:%u: %s stands in line %u already; delete the line that is wrong", r->path,
			    r->lines, r->name, r->line);
		return TH_ERR_MALFORMED;
	}
	r->line = r->lines;
	memcpy(r->key, key, sizeof(key));
	return TH_OK;
}

static enum th_err take_lines(struct reading *r)
{
	struct th_str rest = { r->text, r->n };
	enum th_err err = TH_OK;

	while (rest.n > 0 && err == TH_OK) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		if (r->lines == TH_KNOWN_PEERS_LINES) {
			th_complain(r->c, "%s: has more than %d lines; delete those of peers that are gone", r->path,
				    TH_KNOWN_PEERS_LINES);
			return TH_ERR_TOO_LARGE;
		}
		err = take_line(r, (struct th_str){ rest.p, n });
		rest = (struct th_str){ rest.p + n + (end != NULL), rest.n - n - (end != NULL) };
	}
	return err;
}

/* Reads the file and looks the target up; a missing file is an empty one. The caller frees r->text in any case. */
static enum th_err look(struct reading *r, const char *path, const struct th_target *target, struct th_complaints *c)
{
	enum th_err err;

	*r = (struct reading){ .path = path, .c = c, .text = malloc(TH_KNOWN_PEERS_BYTES + ENTRY_ROOM + 2) };
	if (!r->text) {
		th_complain(c, "%s: no memory to read it", path);
		return TH_ERR_NO_MEMORY;
	}
	name_target(r->name, target);
	err = th_own_file_read(path, S_IWGRP | S_IWOTH, r->text, TH_KNOWN_PEERS_BYTES, &r->n, c);
	if (err == TH_ERR_NOT_FOUND)
		return TH_OK;
	return err == TH_OK ? take_lines(r) : err;
}

enum th_err th_known_peers_find(const char *path, const struct th_target *target, uint8_t key[TH_NOISE_DH],
				struct th_complaints *c)
{
	struct reading r;
	enum th_err err = look(&r, path, target, c);

	free(r.text);
	if (err == TH_OK && r.line == 0)
		return TH_ERR_NOT_FOUND;
	if (err == TH_OK)
		memcpy(key, r.key, sizeof(r.key));
	return err;
}

static void complain_changed(const struct reading *r, const uint8_t key[TH_NOISE_DH])
{
	char known[TH_KEY_FINGERPRINT], shown[TH_KEY_FINGERPRINT];
	const char *k = th_key_fingerprint(known, r->key), *s = th_key_fingerprint(shown, key);

	th_complain(r->c,
		    "%.300s:%u: THE KEY OF %s HAS CHANGED. Known: %s. Shown now: %s. Either somebody stands between "
		    "the two daemons, or the other one has a new key. Ask who runs it for the fingerprint; only if "
		    "that is the one shown now, delete line %u of the file",
		    r->path, r->line, r->name, k ? k : "?", s ? s : "?", r->line);
}

static enum th_err append(struct reading *r, const uint8_t key[TH_NOISE_DH])
{
	char text[TH_KEY_TEXT];
	int n;

	if (r->lines == TH_KNOWN_PEERS_LINES || r->n > TH_KNOWN_PEERS_BYTES - ENTRY_ROOM) {
		th_complain(r->c, "%s: is full, so %s cannot be remembered; delete lines of peers that are gone",
			    r->path, r->name);
		return TH_ERR_FULL;
	}
	if (r->n > 0 && r->text[r->n - 1] != '\n')
		r->text[r->n++] = '\n';
	n = snprintf(r->text + r->n, ENTRY_ROOM + 1, "%s %s\n", r->name, th_key_text(text, key));
	return th_own_file_replace(r->path, r->text, r->n + (size_t)n, r->c);
}

enum th_err th_known_peers_meet(const char *path, const struct th_target *target, const uint8_t key[TH_NOISE_DH],
				bool *added, struct th_complaints *c)
{
	struct reading r;
	enum th_err err = look(&r, path, target, c);

	*added = false;
	if (err == TH_OK && r.line == 0) {
		err = append(&r, key);
		*added = err == TH_OK;
	} else if (err == TH_OK && memcmp(r.key, key, sizeof(r.key)) != 0) {
		complain_changed(&r, key);
		err = TH_ERR_RESET;
	}
	free(r.text);
	return err;
}
