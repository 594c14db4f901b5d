#include "emulator/pcap.h"

/* The file's numbers are big-endian, as the magic tells the reader (draft-ietf-opsawg-pcap). */
enum {
	VERSION_MAJOR = 2,
	VERSION_MINOR = 4,
	SNAPLEN = 65535 + 48,
	LINKTYPE_RAW = 101,
	UDP_HEAD = 8,
	V4_HEAD = 20,
	V6_HEAD = 40,
	V4_AT = 12, /* where the IPv4 bytes start in a mapped address */
	PROTOCOL_UDP = 17,
	TTL = 64,
	DONT_FRAGMENT = 0x4000,
};

static const uint32_t magic_nanoseconds = 0xa1b23c4d;

void th_pcap_head(struct th_wr *w)
{
	th_wr_uint(w, magic_nanoseconds, 4);
	th_wr_uint(w, VERSION_MAJOR, 2);
	th_wr_uint(w, VERSION_MINOR, 2);
	th_wr_uint(w, 0, 8); /* time zone, accuracy: always 0 */
	th_wr_uint(w, SNAPLEN, 4);
	th_wr_uint(w, LINKTYPE_RAW, 4);
}

/* RFC 1071: sum of 16-bit words; an odd last byte is padded with zero. */
static uint32_t sum(uint32_t s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n % 2)
		s += (uint32_t)p[n - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* RFC 768, RFC 8200 §8.1: with the pseudo header; 0 is sent as 0xffff. */
static uint16_t udp_checksum(const uint8_t *from, const uint8_t *to, size_t address, const struct th_addr *a,
			     const struct th_addr *b, const uint8_t *p, size_t n)
{
	uint32_t length = (uint32_t)(UDP_HEAD + n), s = 0;

	s = sum(s, from, address);
	s = sum(s, to, address);
	s += PROTOCOL_UDP + (length >> 16) + (length & 0xffff);
	s += (uint32_t)a->port + b->port + (length & 0xffff);
	s = sum(s, p, n);
	s = ~s & 0xffff;
	return (uint16_t)(s ? s : 0xffff);
}

static void v4_head(struct th_wr *w, const uint8_t *from, const uint8_t *to, size_t n)
{
	uint8_t head[V4_HEAD];
	struct th_wr h = th_wr_init(head, sizeof(head));

	th_wr_uint(&h, 0x4500, 2);
	th_wr_uint(&h, V4_HEAD + UDP_HEAD + n, 2);
	th_wr_uint(&h, DONT_FRAGMENT, 4); /* identification 0 */
	th_wr_uint(&h, TTL << 8 | PROTOCOL_UDP, 2);
	th_wr_uint(&h, 0, 2);
	th_wr_bytes(&h, from, 4);
	th_wr_bytes(&h, to, 4);
	h.n = 10;
	th_wr_uint(&h, ~sum(0, head, sizeof(head)) & 0xffff, 2);
	th_wr_bytes(w, head, sizeof(head));
}

static void v6_head(struct th_wr *w, const uint8_t *from, const uint8_t *to, size_t n)
{
	th_wr_uint(w, (uint64_t)6 << 28, 4);
	th_wr_uint(w, UDP_HEAD + n, 2);
	th_wr_uint(w, PROTOCOL_UDP << 8 | TTL, 2);
	th_wr_bytes(w, from, 16);
	th_wr_bytes(w, to, 16);
}

void th_pcap_record(struct th_wr *w, th_time wall, const struct th_addr *from, const struct th_addr *to,
		    const uint8_t *p, size_t n)
{
	bool v4 = th_addr_is_v4(from) && th_addr_is_v4(to);
	size_t packet = (size_t)(v4 ? V4_HEAD : V6_HEAD) + UDP_HEAD + n, address = v4 ? 4 : 16;
	const uint8_t *a = from->ip + (v4 ? V4_AT : 0), *b = to->ip + (v4 ? V4_AT : 0);

	th_wr_uint(w, wall / TH_SEC, 4);
	th_wr_uint(w, wall % TH_SEC, 4);
	th_wr_uint(w, packet, 4);
	th_wr_uint(w, packet, 4);
	if (v4)
		v4_head(w, a, b, n);
	else
		v6_head(w, a, b, n);
	th_wr_uint(w, from->port, 2);
	th_wr_uint(w, to->port, 2);
	th_wr_uint(w, UDP_HEAD + n, 2);
	th_wr_uint(w, udp_checksum(a, b, address, from, to, p, n), 2);
	th_wr_bytes(w, p, n);
}
