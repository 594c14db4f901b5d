/* Two daemons' sessions on virtual time: a link that loses, doubles, delays and reorders, and above each end a small
 * stop-and-wait stand-in for the CoAP engine. A request is executed by the other end's server, which remembers what it
 * did until it is restarted and answers copies from memory.
 *
 * Checked all the time: no host that is not shown to be the peer gets more bytes than came from it; nothing is executed twice unless its
 * server was restarted meanwhile; every deliver op names a payload that was really sent; the numbers of answers rise
 * from one life of the server to the next. */
#ifndef TH_SESSION_RIG_H
#define TH_SESSION_RIG_H

#include "unit.h"
#include "failmem.h"

#include "session/session.h"

enum {
	RIG_REQUESTS = 40000,
	RIG_ACTIVE = 16,   /* requests an end has under way */
	RIG_RECORDS = 512, /* what a server remembers */
	RIG_FLYING = 512,
	RIG_PLACES = 64,
	RIG_SESSIONS = 1024,
	RIG_INITIATED = 16, /* sessions of an end's own whose numbers are watched */
};

struct rig;

struct rig_datagram {
	struct th_addr from, to;
	th_time at;
	size_t n;
	uint8_t b[TH_SESSION_DATAGRAM_MAX];
};

struct rig_request {
	uint32_t id;
	bool active;
	th_session_id session;
	uint64_t number;
	th_time next, rto;
	unsigned tries;
	size_t size;
};

struct rig_record {
	th_session_id session;
	uint64_t number;
	uint32_t id;
	bool answered;
	th_time at; /* when it is answered */
};

/* Numbers of answers in a session that the end has begun. */
struct rig_numbers {
	th_session_id session;
	unsigned generation;	  /* of the server when the newest came */
	uint64_t earlier, newest; /* + 1: the largest of earlier lives, of all */
};

struct rig_end {
	struct rig *rig;
	const char *name;
	struct failmem mem;
	uint64_t seed;
	struct th_rng rng;
	struct th_noise_pair own;
	struct th_sessions_config config;
	struct th_sessions *s; /* NULL: the daemon is down */
	struct th_addr addr;
	int64_t wall_offset;				    /* seconds its clock is wrong */
	bool configured;				    /* knows the other end's address */
	bool no_wall, trusts, persist_fails, plain_answers; /* plain_answers: answers are not FINAL */
	bool once; /* requests may not be executed twice, whatever is restarted */
	uint64_t mark;
	unsigned persisted, generation;
	th_time started;
	th_time answer_after;
	size_t answer_size;

	th_session_id sessions[RIG_SESSIONS]; /* opened, and not closed */
	size_t sessions_n;
	struct rig_numbers initiated[RIG_INITIATED];
	size_t initiated_n;
	unsigned opened, rekeyed, continued, closed, early, copies;
	enum th_session_end why;
	uint8_t peer_key[TH_NOISE_DH];
	bool peer_has_key;
	uint8_t hello[TH_SESSION_HELLO_MAX];
	size_t hello_n;

	struct rig_request requests[RIG_ACTIVE];
	struct rig_record records[RIG_RECORDS];
	size_t records_n;

	struct {
		struct th_addr addr;
		uint64_t in, out;
		bool home; /* the other end was there when something went there */
	} places[RIG_PLACES];
	size_t places_n;
	uint64_t sent, sent_bytes; /* datagrams, bytes */
};

struct rig {
	th_time now;
	uint64_t seed;
	struct th_rng rng;
	struct rig_end a, b; /* a is the ingress half in most tests */
	struct rig_datagram *flying;
	size_t flying_n;
	th_time delay, jitter;
	unsigned loss, doubled; /* percent */
	bool down;		/* everything is lost */
	bool unchecked;		/* strangers are about: places are not counted */
	uint32_t last_id;
	uint8_t executed[RIG_REQUESTS], answered[RIG_REQUESTS], doubted[RIG_REQUESTS];
	uint32_t born_in[RIG_REQUESTS]; /* generation of the server that executed it first */
	unsigned again;			/* executed again, by a restarted server */
	void (*on_send)(struct rig *r, struct rig_end *e, const struct rig_datagram *d); /* before loss; may be NULL */
	size_t done;
	th_time finished; /* when the last answer came */
	th_time rto;
};

/* a: initiator without connection IDs; b: responder with. Change e->config before rig_start(). */
void rig_init(struct rig *r, uint64_t seed);
void rig_start(struct rig_end *e);
void rig_stop(struct rig_end *e); /* kill -9: what it remembered is gone, but for its mark */
void rig_free(struct rig *r);	  /* nothing may be left allocated */

struct th_addr rig_addr(const char *text); /* "10.0.0.1:1000" or "[2001:db8::1]:1000", numbers only */

/* A session of e towards the other end. */
th_session_id rig_connect(struct rig_end *e, enum th_session_pattern pattern, const struct th_noise_secret *psk);

/* Starts a request of so many bytes (at least 5); its number for rig->answered. */
uint32_t rig_request(struct rig_end *e, th_session_id session, size_t size);
bool rig_idle(const struct rig *r); /* no request under way */

/* Lets time pass until `until`, or (rig_settle) until no request is under way; false when `patience` was too short. */
void rig_run(struct rig *r, th_time until);
bool rig_settle(struct rig *r, th_time patience);

/* One request, answered within `patience`. Returns how long it took. */
th_time rig_exchange(struct rig *r, struct rig_end *e, th_session_id session, th_time patience);

/* Hands over a datagram of the tester's; moves what the ends have to say onto the link. */
void rig_inject(struct rig *r, struct rig_end *to, const struct th_addr *from, const uint8_t *p, size_t n);
void rig_pump(struct rig *r, struct rig_end *e);

#endif
