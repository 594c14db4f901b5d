#include "codec/mark.h"

#include <string.h>

static const char roles[] = "pmcjta";
static const char places[TH_GRAPH_EVENTS + 1] = "0123456789ABCDEFGHIJKLMN";

void th_mark_write(struct th_wr *w, const struct th_mark *m)
{
	th_wr_uint(w, TH_MARK, 1);
	if (m->known)
		th_wr_uint(w, '.', 1);
	th_wr_put(w, m->roles);
	if (m->known || m->n_prev > 1 || (m->n_prev == 1 && m->prev[0] != 0))
		for (size_t i = 0; i < m->n_prev; i++)
			th_wr_bytes(w, &places[m->prev[i]], 1);
	if (m->depth) {
		th_wr_uint(w, '=', 1);
		th_wr_decimal(w, m->depth);
	}
	if (m->sender.n > 0) {
		th_wr_put(w, m->sender);
		th_wr_uint(w, ' ', 1);
		th_wr_decimal(w, m->ts);
	}
}

/* TH_GRAPH_EVENTS: it is none. */
static uint8_t place_of(char c)
{
	const char *at = c ? strchr(places, c) : NULL;

	return (uint8_t)(at ? at - places : TH_GRAPH_EVENTS);
}

/* Takes the places that `s` begins with. */
static void read_prev(struct th_str *s, struct th_mark *m)
{
	while (s->n > 0 && m->n_prev < TH_EVENT_EDGES && place_of(s->p[0]) < TH_GRAPH_EVENTS) {
		m->prev[m->n_prev++] = place_of(s->p[0]);
		s->p++;
		s->n--;
	}
}

static bool read_who(struct th_str s, struct th_mark *m)
{
	const char *space = memchr(s.p, ' ', s.n);

	if (!space)
		return false;
	m->sender = (struct th_str){ s.p, (size_t)(space - s.p) };
	return th_client_number((struct th_str){ space + 1, s.n - m->sender.n - 1 }, &m->ts);
}

bool th_mark_read(struct th_str s, struct th_mark *m)
{
	*m = (struct th_mark){ .roles = TH_STR("") };
	if (s.n > 0 && s.p[0] == '.') {
		m->known = true;
		m->n_prev = 1;
		m->prev[0] = s.n == 2 ? place_of(s.p[1]) : TH_GRAPH_EVENTS;
		return m->prev[0] < TH_GRAPH_EVENTS;
	}
	m->roles.p = s.p;
	while (s.n > 0 && s.p[0] && strchr(roles, s.p[0]) && m->roles.n < TH_EVENT_EDGES) {
		m->roles.n++;
		s.p++;
		s.n--;
	}
	read_prev(&s, m);
	if (s.n > 0 && s.p[0] == '=') {
		struct th_str depth = { s.p + 1, 0 };

		while (depth.n + 1 < s.n && depth.p[depth.n] >= '0' && depth.p[depth.n] <= '9')
			depth.n++;
		if (!th_client_number(depth, &m->depth) || m->depth == 0)
			return false;
		s.p += depth.n + 1;
		s.n -= depth.n + 1;
	}
	return s.n == 0 || (s.p[0] == '@' && read_who(s, m));
}

const struct th_graph_state *th_mark_role(char role, struct th_graph_room *r, const struct th_client_event *e)
{
	switch (role) {
	case 'm':
		return th_graph_state(r, 'm', e->sender);
	case 't':
		return e->state_key.p ? th_graph_state(r, 'm', e->state_key) : NULL;
	case 'a':
		return th_graph_state(r, 'm', th_client_string(e->content, TH_STR("join_authorised_via_users_server")));
	default:
		return th_graph_state(r, role, TH_STR(""));
	}
}

/* The depth behind those events; 0: not known. */
static uint64_t depth_after(const struct th_mark *m, const struct th_graph_room *r)
{
	uint64_t depth = m->n_prev == 0 ? r->events[0].depth : 0;

	for (size_t i = 0; i < m->n_prev; i++) {
		if (r->events[m->prev[i]].depth == 0)
			return 0;
		if (r->events[m->prev[i]].depth > depth)
			depth = r->events[m->prev[i]].depth;
	}
	return depth ? depth + 1 : 0;
}

bool th_mark_place(const struct th_mark *m, struct th_graph_room *r, const struct th_client_event *e,
		   struct th_event_place *out)
{
	*out = (struct th_event_place){ .depth = 1 };
	if (th_event_is_create(e))
		return true;
	if (!r || r->n_events == 0 || m->roles.n > TH_EVENT_EDGES)
		return false;
	for (size_t i = 0; i < m->roles.n; i++) {
		const struct th_graph_state *s = th_mark_role(m->roles.p[i], r, e);

		if (!s)
			return false;
		out->auth[out->n_auth++] = th_graph_state_at(s, e->ts);
	}
	for (size_t i = 0; i < m->n_prev; i++) {
		if (m->prev[i] >= r->n_events)
			return false;
		out->prev[out->n_prev++] = r->events[m->prev[i]].id;
	}
	if (m->n_prev == 0)
		out->prev[out->n_prev++] = r->events[0].id;
	out->depth = m->depth ? m->depth : depth_after(m, r);
	return out->depth > 0;
}
