/* The peer's address: which of those found is taken, and when a failed lookup is tried again. Neighbours are faked. */
#include "../unit.h"

#include "daemon/peer.c"

static struct {
	struct th_addr addrs[TH_RESOLVE_MAX];
	size_t n;
	enum th_err err;
	bool later; /* answers when the test says so */
	unsigned lookups, cancels;
	th_resolve_done *done;
	void *user;
} names;

static struct {
	struct th_addr addr;
	bool known, has_key;
	unsigned calls;
	enum th_err key_err;
} node;

struct th_resolve *th_resolve_start(struct th_loop *loop, const struct th_mem *mem, const char *host, uint16_t port,
				    th_resolve_done *done, void *user)
{
	(void)loop;
	(void)mem;
	(void)host;
	(void)port;
	names.lookups++;
	names.done = done;
	names.user = user;
	if (names.later)
		return (struct th_resolve *)&names;
	done(user, names.addrs, names.n, names.err);
	return NULL;
}

void th_resolve_cancel(struct th_resolve *r)
{
	assert_ptr_equal(r, &names);
	names.cancels++;
}

void th_node_set_peer(struct th_node *n, const struct th_addr *peer, const uint8_t *key)
{
	(void)n;
	node.known = peer != NULL;
	node.has_key = key != NULL;
	if (peer)
		node.addr = *peer;
	node.calls++;
}

enum th_err th_identity_key(const struct th_identity *id, const struct th_target *t, uint8_t key[TH_NOISE_DH])
{
	(void)id;
	(void)t;
	memset(key, 7, TH_NOISE_DH);
	return node.key_err;
}

static struct th_addr v4(uint8_t a, uint16_t port)
{
	struct th_addr r = { .ip = { [10] = 0xff, [11] = 0xff, [12] = a, [15] = 1 }, .port = port };

	return r;
}

static struct th_addr v6(uint8_t first, uint16_t port)
{
	struct th_addr r = { .ip = { [0] = first, [15] = 1 }, .port = port };

	return r;
}

static struct th_loop *loop;
static struct th_peer peer;
static const struct th_target target = { .host = "far.example", .port = 5683 };

static int setup(void **state)
{
	(void)state;
	memset(&names, 0, sizeof(names));
	memset(&node, 0, sizeof(node));
	loop = th_loop_new(&th_mem_libc);
	peer = (struct th_peer){ .loop = loop, .mem = &th_mem_libc, .local = v4(127, 1) };
	th_peer_init(&peer);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	th_peer_free(&peer);
	th_loop_del(loop);
	return 0;
}

/* The socket's family decides; "::" takes the first of either. */
static void test_family(void **state)
{
	(void)state;
	names.n = 2;
	names.addrs[0] = v6(0x20, 5683);
	names.addrs[1] = v4(192, 5683);
	th_peer_set(&peer, &target);
	assert_true(node.known && th_addr_eq(&node.addr, &names.addrs[1]));
	peer.local = v6(0x20, 1);
	th_peer_set(&peer, &target);
	assert_true(node.known && th_addr_eq(&node.addr, &names.addrs[0]));
	names.addrs[0] = v4(192, 5683);
	names.addrs[1] = v6(0x20, 5683);
	memset(&peer.local, 0, sizeof(peer.local));
	th_peer_set(&peer, &target);
	assert_true(node.known && th_addr_eq(&node.addr, &names.addrs[0]));
	assert_false(th_timer_is_set(&peer.again.timer));
}

/* A name that leads off loopback is not followed in the plain profile; it is asked again, as names change. */
static void test_only_loopback(void **state)
{
	(void)state;
	peer.only_loopback = true;
	names.n = 1;
	names.addrs[0] = v4(192, 5683);
	th_peer_set(&peer, &target);
	assert_false(node.known);
	assert_true(th_timer_is_set(&peer.again.timer));
	names.addrs[0] = v4(127, 5683);
	peer.again.fire(&peer.again, th_loop_now(loop));
	assert_true(node.known);
}

static void test_back_off(void **state)
{
	static const unsigned want_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };

	(void)state;
	names.err = TH_ERR_NOT_FOUND;
	th_peer_set(&peer, &target);
	for (size_t i = 0; i < UNIT_COUNT(want_s); i++) {
		assert_int_equal(names.lookups, i + 1);
		assert_true(peer.again.timer.at == th_loop_now(loop) + want_s[i] * TH_SEC);
		peer.again.fire(&peer.again, th_loop_now(loop));
	}
	/* SIGHUP begins anew */
	th_peer_set(&peer, &target);
	assert_true(peer.again.timer.at == th_loop_now(loop) + TH_SEC);
}

/* The known address serves on while the same name is looked up again, but not for another name. */
static void test_change(void **state)
{
	const struct th_target other = { .host = "other.example", .port = 5683 }, none = { .port = 5683 };

	(void)state;
	names.n = 1;
	names.addrs[0] = v4(192, 5683);
	th_peer_set(&peer, &target);
	names.later = true;
	th_peer_set(&peer, &target);
	assert_true(node.known);
	th_peer_set(&peer, &other);
	assert_int_equal(names.cancels, 1);
	assert_false(node.known);
	names.done(names.user, names.addrs, 1, TH_OK);
	assert_true(node.known);
	th_peer_set(&peer, &none);
	assert_false(node.known);
	assert_int_equal(names.lookups, 3);
	assert_int_equal(names.cancels, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_family, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_loopback, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
