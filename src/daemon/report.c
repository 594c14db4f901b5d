#include "daemon/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

enum { MS_TEXT = 32, FAIL_TEXT = 64 };

/* Tenths, so that local answers do not all look alike. */
static const char *ms(char out[MS_TEXT], th_time from, th_time to)
{
	uint64_t tenths = th_time_until(to, from) / (TH_MS / 10);

	snprintf(out, MS_TEXT, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
	return out;
}

void th_report_log(void *user, const struct th_report *r)
{
	char all[MS_TEXT], first[MS_TEXT] = "-", fail[FAIL_TEXT] = "";

	(void)user;
	if (!th_log_on(TH_LOG_INFO))
		return;
	if (r->answered != TH_NEVER)
		ms(first, r->started, r->answered);
	if (r->err != TH_OK)
		snprintf(fail, sizeof(fail), " err=\"%s\"", th_strerror(r->err));
	th_log(TH_LOG_INFO, "exchange",
	       "half=%s route=%s method=%.*s status=%u http_up=%" PRIu64 " http_down=%" PRIu64 " link_up=%" PRIu64
	       " link_down=%" PRIu64 " datagrams_up=%u datagrams_down=%u ms=%s ms_first=%s%s",
	       r->half, r->route, TH_STR_ARG(r->method), (unsigned)r->status, r->http_bytes_up, r->http_bytes_down,
	       r->link_bytes_up, r->link_bytes_down, (unsigned)r->datagrams_up, (unsigned)r->datagrams_down,
	       ms(all, r->started, r->ended), first, fail);
}

static void listener_stats(const struct th_listener *l)
{
	struct th_listener_stats s;

	th_listener_stats(l, &s);
	th_log(TH_LOG_INFO, "stats",
	       "part=listener accepted=%" PRIu64 " requests=%" PRIu64 " refused=%" PRIu64 " connections=%zu active=%zu",
	       s.accepted, s.requests, s.refused, s.connections, s.active);
}

static void upstream_stats(const struct th_upstream *u)
{
	struct th_upstream_stats s;

	th_upstream_stats(u, &s);
	th_log(TH_LOG_INFO, "stats",
	       "part=upstream requests=%" PRIu64 " connects=%" PRIu64 " retries=%" PRIu64 " failures=%" PRIu64
	       " connections=%zu active=%zu queued=%zu",
	       s.requests, s.connects, s.retries, s.failures, s.connections, s.active, s.queued);
}

static void session_stats(const struct th_session_stats *s)
{
	th_log(TH_LOG_INFO, "stats",
	       "part=session sessions=%zu half_open=%zu handshakes=%" PRIu64 " rekeys=%" PRIu64 " roamed=%" PRIu64
	       " held_back=%" PRIu64 " evicted=%" PRIu64 " early_accepted=%" PRIu64 " early_refused=%" PRIu64 " handshake_in=%" PRIu64
	       " handshake_out=%" PRIu64 " overhead_in=%" PRIu64 " overhead_out=%" PRIu64 " doubtful=%" PRIu64,
	       s->sessions, s->half_open, s->handshakes, s->rekeys, s->roamed, s->held_back, s->evicted,
	       s->early_accepted, s->early_refused, s->handshake_in, s->handshake_out, s->overhead_in, s->overhead_out,
	       s->doubtful);
	th_log(TH_LOG_INFO, "stats",
	       "part=session_drops malformed=%" PRIu64 " unknown_cid=%" PRIu64 " unauthentic=%" PRIu64 " too_old=%" PRIu64
	       " replayed=%" PRIu64 " copies=%" PRIu64 " not_accepted=%" PRIu64 " unexpected=%" PRIu64
	       " wrong_version=%" PRIu64 " limited=%" PRIu64 " queue_full=%" PRIu64 " no_memory=%" PRIu64,
	       s->malformed, s->unknown_cid, s->unauthentic, s->too_old, s->replayed, s->copies, s->not_accepted,
	       s->unexpected, s->wrong_version, s->limited, s->queue_full, s->no_memory);
}

void th_report_stats(const struct th_listener *l, const struct th_upstream *u, const struct th_node *n)
{
	struct th_node_stats s;

	if (l)
		listener_stats(l);
	if (u)
		upstream_stats(u);
	th_node_stats(n, &s);
	th_log(TH_LOG_INFO, "stats",
	       "part=proxy ingress_open=%zu egress_open=%zu ingress_done=%" PRIu64 " egress_done=%" PRIu64
	       " failed=%" PRIu64,
	       s.ingress_open, s.egress_open, s.ingress_done, s.egress_done, s.failed);
	th_log(TH_LOG_INFO, "stats",
	       "part=coap malformed=%" PRIu64 " duplicate=%" PRIu64 " unmatched=%" PRIu64 " retransmissions=%" PRIu64
	       " timeouts=%" PRIu64 " rst_sent=%" PRIu64 " refused_full=%" PRIu64,
	       s.coap.rx_malformed, s.coap.rx_duplicate, s.coap.rx_unmatched, s.coap.retransmissions, s.coap.timeouts,
	       s.coap.rst_sent, s.coap.refused_full);
	if (s.encrypted) {
		session_stats(&s.session);
		th_log(TH_LOG_INFO, "stats",
		       "part=codec answers_waited=%" PRIu64 " answers_again=%" PRIu64 " requests_again=%" PRIu64
		       " requests_late=%" PRIu64 " wrong_texts=%" PRIu64,
		       s.answers_waited, s.answers_again, s.requests_again, s.requests_late, s.wrong_texts);
	}
	th_log(TH_LOG_INFO, "stats",
	       "part=sync asked=%" PRIu64 " pushed=%" PRIu64 " idle=%" PRIu64 " refused=%" PRIu64 " served=%" PRIu64 " empty=%" PRIu64
	       " watches=%zu pollers=%zu",
	       s.sync_asked, s.sync_pushed, s.sync_idle, s.sync_refused, s.sync_served, s.sync_empty, s.sync_watches,
	       s.sync_pollers);
	th_log(TH_LOG_INFO, "stats", "part=coap peers=%zu exchanges=%zu records=%zu reply_bytes=%zu", s.coap.peers,
	       s.coap.exchanges, s.coap.records, s.coap.reply_bytes);
}
