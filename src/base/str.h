/* A borrowed run of bytes. Not NUL-terminated, may hold any byte; who hands one out says how long it stays valid. */
#ifndef TH_BASE_STR_H
#define TH_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct th_str {
	const char *p;
	size_t n;
};

#define TH_STR(lit) ((struct th_str){ (lit), sizeof(lit) - 1 })
#define TH_STR_INIT(lit) { (lit), sizeof(lit) - 1 }
/* For printf's "%.*s". */
#define TH_STR_ARG(s) (int)(s).n, (s).p

static inline struct th_str th_str_of(const char *z)
{
	return (struct th_str){ z, strlen(z) };
}

static inline bool th_str_eq(struct th_str a, struct th_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* FNV-1a, 32 bits, and its going on behind other text. Some of these cross the link (docs/protocol.md), so it stays this
 * function. */
static inline uint32_t th_str_hash_on(uint32_t h, struct th_str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 16777619u;
	return h;
}

static inline uint32_t th_str_hash(struct th_str s)
{
	return th_str_hash_on(2166136261u, s);
}

static inline char th_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Of a hexadecimal digit in either case; -1 for any other character. */
static inline int th_hex_value(char c)
{
	c = th_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ASCII letters compare without case, as HTTP field names do (RFC 9110 §5.1). */
static inline bool th_str_ieq(struct th_str a, struct th_str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (th_lower(a.p[i]) != th_lower(b.p[i]))
			return false;
	return true;
}

static inline bool th_str_holds(struct th_str s, struct th_str what)
{
	return s.p && s.n >= what.n && memmem(s.p, s.n, what.p, what.n) != NULL;
}

static inline bool th_str_starts(struct th_str s, struct th_str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* As th_str_ieq() compares. */
static inline bool th_str_istarts(struct th_str s, struct th_str prefix)
{
	return s.n >= prefix.n && th_str_ieq((struct th_str){ s.p, prefix.n }, prefix);
}

#endif
