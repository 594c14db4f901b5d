/* Stand-ins while the parts they stand for are being written; weak, so the real ones win. To be deleted with the merge.
 */
#include "coap/params.h"
#include "http/listener.h"
#include "http/upstream.h"

__attribute__((weak)) const struct th_listener_limits th_listener_limits_default = {
	64 * 1024, 16 * 1024, 128, 100 << 20, 1024, 75 * TH_SEC, 10 * TH_SEC, 30 * TH_SEC, 30 * TH_SEC, 2 * TH_SEC
};
__attribute__((weak))
const struct th_upstream_limits th_upstream_limits_default = { 64 * 1024,   64,		  1024,
							       10 * TH_SEC, 120 * TH_SEC, 60 * TH_SEC };
__attribute__((weak)) const struct th_coap_params th_coap_params_default = {
	.ack_timeout = 2 * TH_SEC,
	.ack_random_percent = 50,
	.max_retransmit = 4,
	.max_latency = 100 * TH_SEC,
	.rto_min = 200 * TH_MS,
	.rto_max = 60 * TH_SEC,
	.piggyback_patience = 100 * TH_MS,
	.ping_after = 30 * TH_SEC,
	.response_timeout = 300 * TH_SEC,
	.body_timeout = 120 * TH_SEC,
	.szx = 6,
	.max_message = 1280,
	.body_window = 65536,
	.window_start = 4,
	.window_max = 32,
	.max_peers = 64,
	.max_exchanges = 1024,
	.max_observers = 16,
	.max_records = 16384,
	.max_reply_bytes = 8 << 20,
};
