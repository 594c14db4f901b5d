#include "session/path.h"

#include "session/key.h"

#define FIRST_PATIENCE (4 * TH_SEC) /* twice as long each time */

void th_path_trust(struct th_path *p, const struct th_addr *to)
{
	p->to = p->shown = *to;
	p->open = false;
}

bool th_path_follow(struct th_path *p, const struct th_addr *from, const struct th_rng *rng)
{
	bool same_host = th_addr_same_host(&p->to, from);

	if (th_addr_eq(&p->to, from))
		return false;
	p->to = *from;
	if (th_addr_same_host(&p->shown, from)) {
		p->open = false;
	} else if (!same_host) {
		*p = (struct th_path){
			.to = *from, .shown = p->shown, .open = true, .probed = TH_NEVER, .patience = FIRST_PATIENCE
		};
		rng->fill(rng->ctx, p->challenge, sizeof(p->challenge));
	}
	return true;
}

bool th_path_came(struct th_path *p, size_t n, th_time now)
{
	if (!p->open)
		return false;
	p->bytes += (int64_t)n;
	p->datagrams++;
	return p->probed == TH_NEVER || now - p->probed >= p->patience;
}

void th_path_probed(struct th_path *p, th_time now)
{
	if (p->probed != TH_NEVER)
		p->patience *= 2;
	p->probed = now;
}

bool th_path_admits(const struct th_path *p, size_t n)
{
	int64_t header = (int64_t)th_addr_overhead(&p->to), size = (int64_t)n;

	return !p->open || (size <= p->bytes && size + header <= p->bytes + p->datagrams * header);
}

bool th_path_take(struct th_path *p, size_t n)
{
	if (!th_path_admits(p, n))
		return false;
	if (p->open) {
		p->bytes -= (int64_t)n;
		p->datagrams--;
	}
	return true;
}

bool th_path_answered(struct th_path *p, const uint8_t challenge[TH_PATH_CHALLENGE])
{
	if (!p->open || p->probed == TH_NEVER || !th_bytes_equal(p->challenge, challenge, TH_PATH_CHALLENGE))
		return false;
	th_path_trust(p, &(const struct th_addr[]){ p->to }[0]);
	return true;
}

void th_path_reached(struct th_path *p, const struct th_addr *at)
{
	if (th_addr_same_host(&p->to, at))
		th_path_trust(p, &(const struct th_addr[]){ p->to }[0]);
}
