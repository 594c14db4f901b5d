/* Stand-ins while the parts they stand for are being written. To be deleted with the merge. */
#include "coap/engine.h"
#include "http/upstream.h"

const struct th_upstream_limits th_upstream_limits_default = { 64 * 1024, 64, 1024, 10 * TH_SEC, 120 * TH_SEC, 60 * TH_SEC };
const struct th_coap_params th_coap_params_default = {
	.ack_timeout = 2 * TH_SEC, .ack_random_percent = 50, .max_retransmit = 4, .max_latency = 100 * TH_SEC,
	.rto_min = 200 * TH_MS, .rto_max = 60 * TH_SEC, .piggyback_patience = 100 * TH_MS, .ping_after = 30 * TH_SEC,
	.response_timeout = 300 * TH_SEC, .body_timeout = 247 * TH_SEC, .szx = 6, .max_message = 1152, .body_window = 16 * 1024,
	.window_start = 1, .window_max = 32, .max_peers = 1024, .max_exchanges = 4096, .max_observers = 64,
	.max_records = 256 * 1024, .max_reply_bytes = 8 * 1024 * 1024,
};
struct th_upstream { struct th_flow_server s; const struct th_mem *mem; };
static enum th_err up_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{ (void)self; (void)client; *why = (struct th_failure){ TH_ERR_REFUSED, 502, "stub", 0 }; return TH_ERR_REFUSED; }
struct th_upstream *th_upstream_new(struct th_loop *loop, const struct th_mem *mem, const char *url, const char *ca_file,
				    const struct th_upstream_limits *limits, enum th_err *err)
{ struct th_upstream *u = th_alloc(mem, sizeof(*u)); (void)loop; (void)url; (void)ca_file; (void)limits; *err = TH_OK; u->s.open = up_open; u->mem = mem; return u; }
void th_upstream_del(struct th_upstream *u) { th_free(u->mem, u); }
struct th_flow_server *th_upstream_server(struct th_upstream *u) { return &u->s; }
void th_upstream_set_limits(struct th_upstream *u, const struct th_upstream_limits *l) { (void)u; (void)l; }
void th_upstream_stats(const struct th_upstream *u, struct th_upstream_stats *out) { (void)u; *out = (struct th_upstream_stats){ 0 }; }
struct th_coap { const struct th_mem *mem; };
struct th_coap *th_coap_new(const struct th_coap_params *params, const struct th_mem *mem, const struct th_rng *rng, const struct th_coap_ops *ops, void *user)
{ struct th_coap *c = th_alloc(mem, sizeof(*c)); (void)params; (void)rng; (void)ops; (void)user; c->mem = mem; return c; }
void th_coap_del(struct th_coap *c) { th_free(c->mem, c); }
void th_coap_rx(struct th_coap *c, const struct th_addr *f, const uint8_t *d, size_t n, th_time now) { (void)c; (void)f; (void)d; (void)n; (void)now; }
size_t th_coap_tx(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap, th_time now) { (void)c; (void)to; (void)out; (void)cap; (void)now; return 0; }
th_time th_coap_deadline(const struct th_coap *c) { (void)c; return TH_NEVER; }
void th_coap_tick(struct th_coap *c, th_time now) { (void)c; (void)now; }
static th_coap_id next;
enum th_err th_coap_request(struct th_coap *c, const struct th_addr *peer, const struct th_coap_head *head, th_time now, th_coap_id *out) { (void)c; (void)peer; (void)head; (void)now; *out = ++next; return TH_OK; }
enum th_err th_coap_respond(struct th_coap *c, th_coap_id id, const struct th_coap_head *head, th_time now) { (void)c; (void)id; (void)head; (void)now; return TH_OK; }
size_t th_coap_write(struct th_coap *c, th_coap_id id, const uint8_t *p, size_t n, th_time now) { (void)c; (void)id; (void)p; (void)now; return n; }
enum th_err th_coap_end(struct th_coap *c, th_coap_id id, th_time now) { (void)c; (void)id; (void)now; return TH_OK; }
void th_coap_resume(struct th_coap *c, th_coap_id id, th_time now) { (void)c; (void)id; (void)now; }
void th_coap_cancel(struct th_coap *c, th_coap_id id, th_time now) { (void)c; (void)id; (void)now; }
enum th_err th_coap_account(const struct th_coap *c, th_coap_id id, struct th_coap_account *out) { (void)c; (void)id; *out = (struct th_coap_account){ 0 }; return TH_OK; }
void th_coap_stats(const struct th_coap *c, struct th_coap_stats *out) { (void)c; *out = (struct th_coap_stats){ 0 }; }
enum th_err th_coap_token(const struct th_coap *c, th_coap_id id, const uint8_t **token, size_t *n) { (void)c; (void)id; *token = NULL; *n = 0; return TH_OK; }
th_coap_id th_coap_find(const struct th_coap *c, const struct th_addr *peer, const uint8_t *token, size_t n) { (void)c; (void)peer; (void)token; (void)n; return 0; }
