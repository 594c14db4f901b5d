/* Stand-ins while the parts they stand for are being written; weak, so the real ones win. To be deleted with the merge.
 */
#include <arpa/inet.h>

#include "coap/params.h"
#include "http/listener.h"
#include "http/upstream.h"
#include "link/resolve.h"

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

__attribute__((weak)) bool th_addr_parse(struct th_addr *out, const char *host, uint16_t port)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[64];
	size_t n = strlen(host);

	if (n >= sizeof(text))
		return false;
	if (*host == '[' && n > 2 && host[n - 1] == ']') {
		memcpy(text, host + 1, n - 2);
		text[n - 2] = '\0';
	} else {
		memcpy(text, host, n + 1);
	}
	*out = (struct th_addr){ .port = port };
	if (inet_pton(AF_INET6, text, out->ip) == 1)
		return true;
	memcpy(out->ip, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, out->ip + 12) == 1;
}
