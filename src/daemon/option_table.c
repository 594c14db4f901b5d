#include "daemon/options.h"

#include "exchange/head.h"
#include "session/session.h"

#define FIELD(member) .at = offsetof(struct th_options, member), .size = sizeof(((struct th_options *)0)->member)
#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MIN (60 * TH_SEC)
#define HOUR (60 * MIN)

/* One row kind per type keeps a row to what differs. */
#define BOOL(n, s, f, member, d, h)                                                                                    \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_BOOL, .section = TH_SECTION_##s, .flags = f, FIELD(member), .def = d,     \
		.help = h                                                                                              \
	}
#define PORT(n, s, member, d, h)                                                                                       \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_PORT, .section = TH_SECTION_##s, FIELD(member), .max = UINT16_MAX,        \
		.def = d, .arg = "PORT", .help = h                                                                     \
	}
#define TEXT(n, t, s, f, member, d, a, h)                                                                              \
	{                                                                                                              \
		.name = n, .type = t, .section = TH_SECTION_##s, .flags = f, FIELD(member), .def = d, .arg = a,        \
		.help = h                                                                                              \
	}
#define TIME(n, s, f, member, lo, hi, d, h)                                                                            \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_DURATION, .section = TH_SECTION_##s, .flags = f, FIELD(member),           \
		.min = lo, .max = hi, .def = d, .arg = "TIME", .help = h                                               \
	}
#define SIZE(n, s, f, member, lo, hi, h)                                                                               \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_SIZE, .section = TH_SECTION_##s, .flags = f, FIELD(member), .min = lo,    \
		.max = hi, .arg = "SIZE", .help = h                                                                    \
	}
#define COUNT(n, s, f, member, lo, hi, h)                                                                              \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_COUNT, .section = TH_SECTION_##s, .flags = f, FIELD(member), .min = lo,   \
		.max = hi, .arg = "N", .help = h                                                                       \
	}

#define RATE(n, member, h)                                                                                             \
	{                                                                                                              \
		.name = n, .type = TH_OPTION_RATE, .section = TH_SECTION_COAP, FIELD(member), .max = 100000000000,     \
		.def = "0", .arg = "RATE", .help = h                                                                   \
	}

enum { R = TH_OPTION_RELOAD, CLI = TH_OPTION_COMMAND_LINE };

const char *const th_section_names[] = { "daemon", "http", "upstream", "session", "coap", "home" };
const char *const th_section_help[] = {
	"The daemon as a whole",
	"The side of HTTP clients (ingress half)",
	"The side of the homeserver (egress half)",
	"The encryption of the link",
	"The link between two daemons",
	"What is answered without the link",
};

static const char *const tag_lengths[] = { "8", "16", NULL };

/* In the order of SZX (RFC 7959 2.2). */
static const char *const block_sizes[] = { "16", "32", "64", "128", "256", "512", "1024", NULL };

/* In the order of enum th_cors_mode. */
static const char *const cors_modes[] = { "learn", "spec", "off", NULL };

const struct th_option th_option_table[] = {
	BOOL("help", DAEMON, CLI, help, "false", "Print the options and end"),
	BOOL("version", DAEMON, CLI, version, "false", "Print the version and end"),
	TEXT("config", TH_OPTION_FILE, DAEMON, CLI | TH_OPTION_OPTIONAL, config, "", "FILE",
	     "Read options from this file; the command line wins over it"),
	BOOL("check-config", DAEMON, CLI, check_config, "false",
	     "Check the file and the command line, say what is wrong, and end"),
	BOOL("dump-config", DAEMON, CLI, dump_config, "false",
	     "Print a configuration file with every option, its meaning, limits and default, and end"),

	BOOL("only-http", DAEMON, 0, only_http, "false",
	     "Run the ingress half alone: take HTTP, send CoAP, serve nobody on the link"),
	BOOL("only-coap", DAEMON, 0, only_coap, "false",
	     "Run the egress half alone: take CoAP, call the homeserver, listen for no HTTP"),
	BOOL("disable-encryption", DAEMON, 0, disable_encryption, "false",
	     "Talk plain CoAP, unencrypted. For debugging on one machine: only loopback addresses are accepted for the "
	     "link"),
	BOOL("debug-log", DAEMON, R, debug_log, "false", "Log what happens inside exchanges, too"),
	TEXT("explain-socket", TH_OPTION_FILE, DAEMON, TH_OPTION_OPTIONAL, explain_socket, "", "PATH",
	     "Let this user see at this Unix socket what each message costs, with thimble explain --live. Texts of messages are "
	     "in it, tokens and passwords are not"),
	TIME("drain-timeout", DAEMON, R, drain_timeout, 0, HOUR, "10 s",
	     "After SIGTERM exchanges under way have this long to finish"),
	BOOL("pass-unknown-headers", DAEMON, R, policy.pass_unknown, "false",
	     "Carry end-to-end header fields over the link that thimble does not know"),

	TEXT("http-bind-host", TH_OPTION_ADDRESS, HTTP, 0, http_bind_host, "127.0.0.1", "ADDRESS",
	     "Address to listen on for HTTP clients"),
	PORT("http-port", HTTP, http_port, "8888", "Port to listen on for HTTP clients; 0 takes any free one"),
	SIZE("http-max-head", HTTP, R, listener.head_bytes, KIB, TH_HEAD_BYTES_MAX,
	     "Longest request line and header section; longer ones get 431"),
	SIZE("http-max-target", HTTP, R, listener.target_bytes, 64, TH_TARGET_MAX,
	     "Longest request target; longer ones get 414"),
	COUNT("http-max-fields", HTTP, R, listener.fields, 8, TH_HEAD_FIELDS_MAX,
	      "Most header fields in a request; more get 431"),
	SIZE("http-max-body", HTTP, R, listener.body_bytes, 0, 1024 * GIB, "Longest request body; longer ones get 413"),
	COUNT("http-max-connections", HTTP, R, listener.connections, 1, 60000,
	      "Client connections open at once; more get 503"),
	TIME("http-idle-timeout", HTTP, R, listener.idle_timeout, 100 * TH_MS, 24 * HOUR, NULL,
	     "A connection without a request is closed after this"),
	TIME("http-head-timeout", HTTP, R, listener.head_timeout, 100 * TH_MS, HOUR, NULL,
	     "A request's head must be whole this long after its first byte; later ones get 408"),
	TIME("http-body-timeout", HTTP, R, listener.body_timeout, 100 * TH_MS, HOUR, NULL,
	     "Longest silence while a request's body is awaited; then 408"),
	TIME("http-write-timeout", HTTP, R, listener.write_timeout, 100 * TH_MS, HOUR, NULL,
	     "A client that takes no byte of its answer for this long is cut"),
	TIME("http-discard-timeout", HTTP, R, listener.drain_timeout, 0, HOUR, NULL,
	     "After an early answer the rest of the request is read and thrown away for this long"),

	TEXT("http-target", TH_OPTION_URL, UPSTREAM, 0, http_target, "http://127.0.0.1:8008", "URL",
	     "The homeserver. A path in it is put before each request target"),
	TEXT("http-target-ca", TH_OPTION_FILE, UPSTREAM, TH_OPTION_OPTIONAL, http_target_ca, "", "FILE",
	     "Certificates (PEM) that vouch for an https target; empty: the system's"),
	SIZE("upstream-max-head", UPSTREAM, R, upstream.head_bytes, KIB, MIB,
	     "Longest header section of an answer; longer ones give 502"),
	COUNT("upstream-max-connections", UPSTREAM, R, upstream.connections, 1, 60000,
	      "Connections to the homeserver open at once"),
	COUNT("upstream-max-queue", UPSTREAM, R, upstream.queue, 0, 1000000,
	      "Exchanges that may wait for a connection; more get 503"),
	TIME("upstream-connect-timeout", UPSTREAM, R, upstream.connect_timeout, 10 * TH_MS, HOUR, NULL,
	     "Longest wait for a connection, TLS included; then 504"),
	TIME("upstream-answer-timeout", UPSTREAM, R, upstream.answer_timeout, 100 * TH_MS, 24 * HOUR, NULL,
	     "Longest silence of the homeserver before and during an answer; then 504. Must be above the clients' long "
	     "polls"),
	TIME("upstream-idle-timeout", UPSTREAM, R, upstream.idle_timeout, 0, 24 * HOUR, NULL,
	     "An unused connection is closed after this"),

	TEXT("state-dir", TH_OPTION_FILE, SESSION, TH_OPTION_OPTIONAL, state_dir, "", "DIRECTORY",
	     "Folder of the secret key (file key, made at the first start), of the keys of known peers (known-peers) "
	     "and of the mark that keeps early data from being repeated (mark). Empty: STATE_DIRECTORY in the "
	     "environment, else /var/lib/thimble for root, else ~/.local/state/thimble. Egress halves must not share "
	     "one"),
	{ .name = "allow",
	  .type = TH_OPTION_KEYS,
	  .section = TH_SECTION_SESSION,
	  .flags = R | TH_OPTION_OPTIONAL,
	  FIELD(allow),
	  .def = "",
	  .arg = "KEY...",
	  .help = "Egress half: serve only daemons with these public keys, which must prove them (option identify "
		  "there) and know this one's (#KEY there, or a psk-file): nobody else hears a byte. Empty: serve "
		  "anybody, as a public homeserver does" },
	BOOL("known-key-only", SESSION, 0, known_key_only, "false",
	     "Egress half: be silent to who does not know this daemon's public key, as with an allow list; without it "
	     "anybody may ask for the key (first contact)"),
	BOOL("identify", SESSION, R, identify, "false",
	     "Ingress half: prove this daemon's own key to the other one, which may have an allow list. Costs 48 bytes "
	     "at the start of a session"),
	TEXT("psk-file", TH_OPTION_FILE, SESSION, TH_OPTION_OPTIONAL, psk_file, "", "FILE",
	     "A secret that both daemons share besides their keys, as thimble keygen writes one into a file; both need "
	     "it"),
	{ .name = "tag-length",
	  .type = TH_OPTION_CHOICE,
	  .section = TH_SECTION_SESSION,
	  FIELD(tag_length),
	  .def = "8",
	  .choices = tag_lengths,
	  .arg = "BYTES",
	  .help = "Authentication tag of each datagram; both daemons must have the same. 16 costs 8 bytes more" },
	BOOL("model", SESSION, 0, model, "true",
	     "Code messages by the trained model, if both daemons do. Off: by deflate alone, for a machine with little memory or "
	     "time; messages are several times longer"),
	COUNT("padding", SESSION, 0, padding, 0, 1024,
	      "Pad the messages that this daemon sends, once coded, to a multiple of so many bytes, so that lengths tell "
	      "less of what is in them. Costs half as many for each; 0: none. Bodies of over 64 KiB are not padded"),
	TIME("rekey-after", SESSION, 0, rekey_after, MIN, 365 * 24 * HOUR, "24 h",
	     "New keys once the ones in use are this old, with the next request; at the latest after 2^25 datagrams"),
	TIME("session-lifetime", SESSION, 0, session_lifetime, MIN, 365 * 24 * HOUR, "168 h",
	     "A session that was silent this long is forgotten and its keys are wiped"),
	TIME("keepalive", SESSION, TH_OPTION_NEVER, keepalive, TH_SEC, 24 * HOUR, "never",
	     "Ingress half: an empty datagram after this much silence, for a NAT that forgets. Costs 38 bytes each "
	     "time"),
	BOOL("sync-push", SESSION, 0, sync_push, "true",
	     "Let the other daemon push what a client's sync loop waits for: a batch costs one datagram and its acknowledgement, idle "
	     "polls nothing. Both daemons need it; without it each poll crosses the link"),
	TIME("sync-check", SESSION, TH_OPTION_NEVER, sync_check, TH_SEC, 30 * 24 * HOUR, "2 h",
	     "Ingress half: a poll crosses the link, too, when nothing was heard from there for this long: an egress half that lost "
	     "power tells nobody"),
	COUNT("max-sessions", SESSION, 0, max_sessions, 1, TH_SESSION_LIMIT,
	      "Sessions remembered at once; the longest idle one goes"),
	TEXT("coap-bind-host", TH_OPTION_ADDRESS, COAP, 0, coap_bind_host, "::", "ADDRESS",
	     "Address for datagrams; :: takes IPv4 and IPv6. With disable-encryption the default is loopback"),
	PORT("coap-port", COAP, coap_port, "5683", "Port for datagrams; with only-http the default is any free one"),
	TEXT("coap-target", TH_OPTION_TARGET, COAP, R | TH_OPTION_OPTIONAL, coap_target, "", "HOST[:PORT][#KEY]",
	     "The other daemon, port 5683 unless given, with its public key behind #. Without a key the one it shows "
	     "at first is remembered in known-peers, and no other accepted then. Without a target HTTP clients get 502"),
	RATE("link-up", link_up,
	     "Rate from this daemon to the others, all headers counted; 0: not known, it is learned. The other daemon "
	     "is told, so it is enough at one end; this and the following are for the encrypted profile"),
	RATE("link-down", link_down, "Rate from the others to this daemon; 0: not known"),
	TIME("link-latency", COAP, 0, link_latency, 0, 10 * MIN, "0",
	     "How long a datagram is under way, without the time that its bits take; 0: not known"),
	{ .name = "link-jitter",
	  .type = TH_OPTION_PERCENT,
	  .section = TH_SECTION_COAP,
	  FIELD(link_jitter),
	  .max = 100,
	  .def = "0",
	  .arg = "PERCENT",
	  .help = "By how much of itself link-latency varies" },
	{ .name = "link-loss",
	  .type = TH_OPTION_PERCENT,
	  .section = TH_SECTION_COAP,
	  FIELD(link_loss),
	  .max = 90,
	  .def = "0",
	  .arg = "PERCENT",
	  .help = "Datagrams that are expected to be lost, each way" },
	{ .name = "link-mtu",
	  .type = TH_OPTION_SIZE,
	  .section = TH_SECTION_COAP,
	  FIELD(link_mtu),
	  .max = 65535,
	  .def = "0",
	  .arg = "SIZE",
	  .help = "Largest datagram with IP and UDP headers; 0: not known" },
	BOOL("link-ours", COAP, 0, link_ours, "false",
	     "Nobody else's traffic shares the bottleneck of the link: what is lost is lost to noise, so "
	     "retransmissions need not back off as RFC 7252 demands on the Internet"),
	TIME("ack-timeout", COAP, 0, coap.ack_timeout, 10 * TH_MS, 10 * MIN, NULL,
	     "ACK_TIMEOUT (RFC 7252): first retransmission while no round trip has been measured"),
	{ .name = "ack-random-factor",
	  .type = TH_OPTION_PERCENT,
	  .section = TH_SECTION_COAP,
	  FIELD(coap.ack_random_percent),
	  .max = 400,
	  .arg = "PERCENT",
	  .help = "ACK_RANDOM_FACTOR (RFC 7252) less one: 50 % stands for 1.5" },
	COUNT("max-retransmit", COAP, 0, coap.max_retransmit, 0, 16,
	      "MAX_RETRANSMIT (RFC 7252): retransmissions of one message"),
	TIME("max-latency", COAP, 0, coap.max_latency, TH_MS, HOUR, NULL,
	     "MAX_LATENCY (RFC 7252): the longest a datagram can be under way"),
	TIME("rto-min", COAP, 0, coap.rto_min, TH_MS, 10 * MIN, NULL,
	     "Shortest retransmission timeout once round trips are measured"),
	TIME("rto-max", COAP, 0, coap.rto_max, 10 * TH_MS, HOUR, NULL,
	     "Longest retransmission timeout once round trips are measured"),
	TIME("piggyback-patience", COAP, 0, coap.piggyback_patience, 0, MIN, NULL,
	     "How long an answer is awaited before a request is acknowledged without it"),
	TIME("ping-after", COAP, TH_OPTION_NEVER, coap.ping_after, 100 * TH_MS, 24 * HOUR, NULL,
	     "A peer that owes an answer and was silent this long is pinged"),
	TIME("response-timeout", COAP, 0, coap.response_timeout, 100 * TH_MS, 24 * HOUR, NULL,
	     "Longest wait for an answer to an acknowledged request. Must be above the clients' long polls"),
	TIME("body-timeout", COAP, 0, coap.body_timeout, 100 * TH_MS, 24 * HOUR, NULL,
	     "A body sent or fetched block by block is forgotten after this silence"),
	{ .name = "block-size",
	  .type = TH_OPTION_CHOICE,
	  .section = TH_SECTION_COAP,
	  FIELD(coap.szx),
	  .choices = block_sizes,
	  .arg = "BYTES",
	  .help = "Preferred size of a block (RFC 7959)" },
	SIZE("max-datagram", COAP, 0, coap.max_message, 64, 65507,
	     "Largest datagram sent or taken, without IP and UDP headers"),
	SIZE("body-window", COAP, 0, coap.body_window, 32, 16 * MIB,
	     "Bytes of one outgoing body kept for sending; at least two blocks"),
	COUNT("window-start", COAP, 0, coap.window_start, 1, 1024,
	      "NSTART (RFC 7252): messages awaiting acknowledgement per peer at first"),
	COUNT("window-max", COAP, 0, coap.window_max, 1, 1024,
	      "Messages awaiting acknowledgement per peer when round trips go well"),
	COUNT("max-peers", COAP, 0, coap.max_peers, 1, 1000000, "Peers remembered at once"),
	COUNT("max-exchanges", COAP, 0, coap.max_exchanges, 1, 1000000,
	      "Exchanges open on the link at once, both roles together"),
	COUNT("max-observers", COAP, 0, coap.max_observers, 0, 1000000, "Observations (RFC 7641) per peer"),
	COUNT("max-records", COAP, 0, coap.max_records, 16, 10000000,
	      "Messages remembered to recognise duplicates, all peers together"),
	SIZE("max-reply-bytes", COAP, 0, coap.max_reply_bytes, KIB, GIB,
	     "Memory for replies kept for duplicates, all peers together"),

	{ .name = "cors-preflight",
	  .type = TH_OPTION_CHOICE,
	  .section = TH_SECTION_HOME,
	  .flags = R,
	  FIELD(home.cors.mode),
	  .choices = cors_modes,
	  .arg = "HOW",
	  .help = "CORS preflights of browsers: learn the homeserver's answer from the first, answer all as the Matrix "
		  "specification recommends, or carry each over the link" },
	TIME("cors-learn-time", HOME, R, home.cors.learnt_for, TH_SEC, 30 * 24 * HOUR, NULL,
	     "A learnt answer to preflights is used this long"),
	SIZE("cache-size", HOME, R, home.cache.max_bytes, 0, GIB,
	     "Memory for answers that may be given again: what HTTP marks as cacheable, and Matrix routes known to be "
	     "stable. 0 turns the cache off"),
	COUNT("cache-max-entries", HOME, R, home.cache.max_entries, 0, 1000000, "Answers in the cache at most"),
	SIZE("cache-max-body", HOME, R, home.cache.max_body, 0, GIB, "Longest body of an answer in the cache"),
	BOOL("cache-ignore-reload", HOME, R, home.cache.ignore_reload, "false",
	     "Answer from the cache although the request asks whether that is still so (no-cache, max-age=0), as "
	     "matrix-js-sdk does with each. Lost: a reload shows what is as old as the cache allows"),
	TIME("retry-grace", HOME, R, home.join.grace, 0, 24 * HOUR, NULL,
	     "A request whose client has left goes on for this long, and its answer is kept for this long, so that a "
	     "repetition finds it. 0 s cancels at once"),
	COUNT("retry-max-exchanges", HOME, R, home.join.max_exchanges, 0, 1000000,
	      "Exchanges that repetitions may join at most; 0 carries each repetition over the link"),
	SIZE("retry-max-answer", HOME, R, home.join.max_answer, 0, 64 * MIB,
	     "Longest answer that is kept for a repetition"),
	SIZE("retry-memory", HOME, R, home.join.max_kept, 0, GIB, "Memory for answers kept for repetitions"),
	COUNT("link-max-waiting", HOME, R, home.gate.max_waiting, 0, 1000000,
	      "Exchanges that may wait for an answer; more get 503. 0 is any number"),
	TIME("link-silence", HOME, R | TH_OPTION_NEVER, home.gate.silence, TH_SEC, 30 * 24 * HOUR, NULL,
	     "The link is taken to be down when exchanges wait and nothing has been heard for this long: new ones get "
	     "503 at once, and the name in coap-target is looked up again, then after 1, 2, 4 … 60 minutes, until "
	     "something is heard. Must be above ping-after"),
	TIME("link-retry-after", HOME, R, home.gate.retry_after, TH_SEC, 24 * HOUR, NULL,
	     "What Retry-After says in such a 503"),
	BOOL("lean-typing", HOME, R, home.lean.typing, "false",
	     "Answer typing notifications here. Lost: others do not see that this user types"),
	BOOL("lean-receipts", HOME, R, home.lean.receipts, "false",
	     "Answer read receipts and markers here. Lost: others do not see what was read, and neither do the user's "
	     "other devices: unread counts and notifications stay"),
	BOOL("lean-presence", HOME, R, home.lean.presence, "false",
	     "Answer presence updates here. Lost: others do not see this user's status message"),
	BOOL("lean-no-presence", HOME, R, home.lean.sync.no_presence, "false",
	     "Ask for no presence in sync. Lost: the user does not see who is online"),
	BOOL("lean-lazy-members", HOME, R, home.lean.sync.lazy_members, "false",
	     "Ask for lazy-loaded members in sync. Lost: member lists of clients that cannot fetch them are "
	     "incomplete"),
	COUNT("lean-timeline-limit", HOME, R, home.lean.sync.timeline_limit, 0, 10000,
	      "Ask for so many events a room in sync at most; 0 leaves it to the client. Lost: nothing, but clients "
	      "fetch the rest when the user scrolls"),
	SIZE("lean-max-media", HOME, R, home.lean.max_media, 0, 1024 * GIB,
	     "Refuse larger media with M_TOO_LARGE, both ways. Set at the far end, a download refused costs the link "
	     "none of it. 0 is any size"),
};

const size_t th_option_count = sizeof(th_option_table) / sizeof(th_option_table[0]);

const struct th_option_schema th_options_schema = {
	.rows = th_option_table,
	.n = sizeof(th_option_table) / sizeof(th_option_table[0]),
	.sections = th_section_names,
	.section_help = th_section_help,
	.n_sections = TH_SECTION_LAST,
};

_Static_assert(sizeof(th_option_table) / sizeof(th_option_table[0]) <= TH_OPTIONS_MAX, "raise TH_OPTIONS_MAX");
