#include "session/path.h"

#define FIRST_PATIENCE (4 * TH_SEC) /* twice as long each time */

void th_path_trust(struct th_path *p, const struct th_addr *to)
{
	p->to = p->shown = *to;
	p->open = false;
}

bool th_path_follow(struct th_path *p, const struct th_addr *from, uint64_t next)
{
	bool same_host = th_addr_same_host(&p->to, from);

	if (th_addr_eq(&p->to, from))
		return false;
	p->to = *from;
	if (th_addr_same_host(&p->shown, from))
		p->open = false;
	else if (!same_host)
		*p = (struct th_path){ .to = *from,
				       .shown = p->shown,
				       .open = true,
				       .floor = next,
				       .probed = TH_NEVER,
				       .patience = FIRST_PATIENCE };
	return true;
}

bool th_path_came(struct th_path *p, size_t n, th_time now)
{
	if (!p->open)
		return false;
	p->bytes += (int64_t)n;
	p->datagrams++;
	if (p->probed != TH_NEVER) {
		if (now - p->probed < p->patience)
			return false;
		p->patience *= 2;
	}
	p->probed = now;
	return true;
}

bool th_path_take(struct th_path *p, size_t n)
{
	int64_t header = (int64_t)th_addr_overhead(&p->to), size = (int64_t)n;

	if (!p->open)
		return true;
	if (size > p->bytes || size + header > p->bytes + p->datagrams * header)
		return false;
	p->bytes -= size;
	p->datagrams--;
	return true;
}

bool th_path_shows(struct th_path *p, uint64_t number)
{
	if (!p->open || number < p->floor)
		return false;
	th_path_trust(p, &(const struct th_addr[]){ p->to }[0]);
	return true;
}

void th_path_reached(struct th_path *p, const struct th_addr *at)
{
	if (th_addr_same_host(&p->to, at))
		th_path_trust(p, &(const struct th_addr[]){ p->to }[0]);
}
