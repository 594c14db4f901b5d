#include "exchange/fields.h"

static const char *const accept_noise[] = { "*/*", "application/json", "application/json, text/plain, */*", NULL };
static const char *const any_language[] = { "*", NULL };

#define BOTH(lit)                                                                                                      \
	{                                                                                                              \
		TH_STR_INIT(lit), TH_FIELD_PASS, TH_FIELD_PASS, NULL                                                   \
	}
#define NOISE(lit)                                                                                                     \
	{                                                                                                              \
		TH_STR_INIT(lit), TH_FIELD_NOISE, TH_FIELD_NOISE, NULL                                                 \
	}
#define HOP(lit)                                                                                                       \
	{                                                                                                              \
		TH_STR_INIT(lit), TH_FIELD_HOP, TH_FIELD_HOP, NULL                                                     \
	}
#define BUT(lit, values)                                                                                               \
	{                                                                                                              \
		TH_STR_INIT(lit), TH_FIELD_PASS, TH_FIELD_PASS, values                                                 \
	}

const struct th_field_known th_fields[] = {
	{ TH_STR_INIT(""), TH_FIELD_HOP, TH_FIELD_HOP, NULL },
	BOTH("Authorization"),
	BOTH("Content-Type"),
	BOTH("Cache-Control"),
	BOTH("Access-Control-Allow-Origin"),
	BOTH("Access-Control-Allow-Methods"),
	BOTH("Access-Control-Allow-Headers"),
	BOTH("Access-Control-Expose-Headers"),
	BOTH("Access-Control-Max-Age"),
	BOTH("Access-Control-Allow-Credentials"),
	BOTH("Access-Control-Request-Method"),
	BOTH("Access-Control-Request-Headers"),
	BOTH("Access-Control-Request-Private-Network"),
	BOTH("Access-Control-Allow-Private-Network"),
	BOTH("Origin"),
	BOTH("Vary"),
	BOTH("ETag"),
	BOTH("If-Match"),
	BOTH("If-None-Match"),
	BOTH("If-Modified-Since"),
	BOTH("If-Unmodified-Since"),
	BOTH("If-Range"),
	BOTH("Last-Modified"),
	BOTH("Expires"),
	BOTH("Age"),
	BOTH("Pragma"),
	BOTH("Retry-After"),
	BOTH("WWW-Authenticate"),
	BOTH("Location"),
	BOTH("Content-Location"),
	BOTH("Content-Disposition"),
	BOTH("Content-Encoding"),
	BOTH("Content-Language"),
	BOTH("Content-Length"), /* only where no body follows: see head.h */
	BOTH("Content-Range"),
	BOTH("Range"),
	BOTH("Accept-Ranges"),
	BOTH("Allow"),
	BOTH("Link"),
	BOTH("Cookie"),
	BOTH("Set-Cookie"),
	BOTH("Content-Security-Policy"),
	BOTH("X-Content-Security-Policy"),
	BOTH("X-Content-Type-Options"),
	BOTH("X-Frame-Options"),
	BOTH("X-Robots-Tag"),
	BOTH("Referrer-Policy"),
	BOTH("Cross-Origin-Resource-Policy"),
	BOTH("Cross-Origin-Opener-Policy"),
	BOTH("Cross-Origin-Embedder-Policy"),
	BOTH("Timing-Allow-Origin"),
	BOTH("Clear-Site-Data"),
	BOTH("Idempotency-Key"),
	BOTH("Digest"),
	BOTH("Content-Digest"),
	BOTH("Content-MD5"),
	BOTH("X-Requested-With"),
	BUT("Accept", accept_noise),
	BUT("Accept-Language", any_language),

	/* Made anew by each end, or of no use to the other. */
	NOISE("Host"),
	NOISE("User-Agent"),
	NOISE("Date"),
	NOISE("Server"),
	NOISE("Referer"),
	NOISE("Accept-Encoding"), /* agreed on each HTTP hop; the link has its own coding */
	NOISE("Accept-Charset"),
	NOISE("DNT"),
	NOISE("Priority"),
	NOISE("Upgrade-Insecure-Requests"),
	NOISE("Sec-Fetch-Dest"),
	NOISE("Sec-Fetch-Mode"),
	NOISE("Sec-Fetch-Site"),
	NOISE("Sec-Fetch-User"),
	NOISE("Sec-CH-UA"),
	NOISE("Sec-CH-UA-Mobile"),
	NOISE("Sec-CH-UA-Platform"),
	NOISE("Sec-GPC"),
	NOISE("Via"),
	NOISE("Forwarded"),
	NOISE("X-Forwarded-For"),
	NOISE("X-Forwarded-Host"),
	NOISE("X-Forwarded-Proto"),
	NOISE("X-Real-IP"),
	NOISE("X-Powered-By"),
	NOISE("Server-Timing"),
	NOISE("Alt-Svc"),		    /* points around the proxy */
	NOISE("Strict-Transport-Security"), /* speaks of the homeserver's own TLS */
	NOISE("Report-To"),
	NOISE("NEL"),

	HOP("Connection"),
	HOP("Keep-Alive"),
	HOP("Proxy-Connection"),
	HOP("Proxy-Authenticate"),
	HOP("Proxy-Authorization"),
	HOP("Proxy-Authentication-Info"),
	HOP("TE"),
	HOP("Trailer"),
	HOP("Transfer-Encoding"),
	HOP("Upgrade"),
	HOP("Expect"),
	HOP("HTTP2-Settings"),
};

const size_t th_fields_count = sizeof(th_fields) / sizeof(th_fields[0]);

size_t th_fields_find(struct th_str name)
{
	for (size_t i = 1; i < th_fields_count; i++)
		if (th_str_ieq(th_fields[i].name, name))
			return i;
	return 0;
}
