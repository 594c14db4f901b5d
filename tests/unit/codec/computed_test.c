/* Content hashes and event IDs, against an event that Synapse 1.163 made and named (room version 12). */
#include "unit.h"

#include <string.h>

#include "codec/computed.h"
#include "codec/event.h"

enum { CAP = 8192 };

#define BEFORE                                                                                                         \
	"{\"auth_events\":[\"$_CsXtGXIEyZpq_JyvpyAvo8gxSX4jKTMow-PGTq0ovs\",\"$SutlL5R27lVRhuclaDKnhAqDL" \
	"ijUTFuBRciqDwHvoY0\"],\"content\":{\"body\":\"Hello World\",\"msgtype\":\"m.text\"},\"depth\":10,\"hashe" \
	"s\":{\"sha256\":\""
#define HASH "pHg44oRpdFAWc/N7Q43Ke/yppInTNR8Terd4eqBc+ik"
#define AFTER                                                                                                          \
	"\"},\"origin_server_ts\":1795922677319,\"prev_events\":[\"$cGBz8JqBdxgW8r5-kELx2InJmgaVcLnBBNAv8" \
	"mLLxuM\"],\"room_id\":\"!Tfai3wviepq-Cca62sZJP6VbWSxf05nv_23auZ7YJv4\",\"sender\":\"@ragna:skerry." \
	"example\",\"signatures\":{\"skerry.example\":{\"ed25519:a_qoMn\":\"F/KWqCk9hBX8a5w0DtDrfsBqk0A1Wgy" \
	"NAMBbSsJQ9IgYe4bUSwKK0wfDU8CviqS1KdXQsLEAasZsvUrOQM8mAQ\"}},\"type\":\"m.room.message\"}"
#define ID "$DDjPWgY4lj9WcPiMg8oZWoQwJcDcz4Lk90MSoSrwgb4"
#define EVENT BEFORE HASH AFTER
#define CUT BEFORE "\001" AFTER

static char got[CAP];

static struct th_str cut(const char *body)
{
	struct th_wr w = th_wr_init(got, sizeof(got));

	assert_int_equal(th_computed_cut(&w, th_str_of(body)), TH_OK);
	assert_true(th_wr_ok(&w));
	return (struct th_str){ got, w.n };
}

static void goes(const char *body, const char *as)
{
	struct th_str c = cut(body);
	char back[CAP];
	struct th_wr w = th_wr_init(back, sizeof(back));

	assert_int_equal(c.n, strlen(as));
	assert_memory_equal(c.p, as, c.n);
	assert_int_equal(th_computed_restore(&w, c), TH_OK);
	assert_int_equal(w.n, strlen(body));
	assert_memory_equal(back, body, w.n);
}

static void stays(const char *body)
{
	goes(body, body);
	assert_false(th_computed_is_cut(th_str_of(body)));
}

static void test_hashes_are_cut_and_come_back(void **state)
{
	(void)state;
	goes(EVENT, CUT);
	goes("{\"pdus\":[" EVENT "," EVENT "]}", "{\"pdus\":[" CUT "," CUT "]}");
	goes("{\"auth_chain\":[],\"event\":" EVENT ",\"x\":[1,{\"a\":\"}\"}]}",
	     "{\"auth_chain\":[],\"event\":" CUT ",\"x\":[1,{\"a\":\"}\"}]}");
	goes("{ " EVENT, "{ " CUT);
	goes("{\"hashes\":{\"sha256\":\"" HASH "\"},\"in\":" EVENT "}",
	     "{\"hashes\":{\"sha256\":\"" HASH "\"},\"in\":" CUT "}");
	assert_true(th_computed_is_cut(TH_STR(CUT)));
}

static void test_what_is_not_right_stays(void **state)
{
	(void)state;
	stays("");
	stays("no JSON");
	stays("{}");
	stays("}}}{\"");
	stays("{\"hashes\":{\"sha256\":\"" HASH "\"}}");
	stays(BEFORE "rHg44oRpdFAWc/N7Q43Ke/yppInTNR8Terd4eqBc+ik" AFTER);
	stays(BEFORE AFTER);
	stays("{\"hashes\":{\"sha256\":\"");
}

/* A byte 1 somewhere else is nobody's business. */
static void test_the_mark_itself(void **state)
{
	struct th_wr w = th_wr_init(got, sizeof(got));

	(void)state;
	goes("\001\002" EVENT "\001", "\001\002" CUT "\001");
	assert_int_equal(th_computed_cut(&w, TH_STR(CUT)), TH_ERR_INVALID);
}

static void refused(const char *cut_body)
{
	struct th_wr w = th_wr_init(got, sizeof(got));

	assert_int_equal(th_computed_restore(&w, th_str_of(cut_body)), TH_ERR_MALFORMED);
}

static void test_marks_of_strangers(void **state)
{
	char deep[TH_EVENT_DEPTH_MAX + sizeof(CUT)];

	(void)state;
	refused("\"hashes\":{\"sha256\":\"\001\"");
	refused("{\"hashes\":{\"sha256\":\"\001\"");
	refused("{\"a\":{\"hashes\":{\"sha256\":\"\001\"},\"in\":" EVENT "}");
	refused("{ \"hashes\":{\"sha256\":\"\001\"}}");
	refused("[\"\\\",\"hashes\":{\"sha256\":\"\001\"}]");
	memset(deep, '{', TH_EVENT_DEPTH_MAX);
	memcpy(deep + TH_EVENT_DEPTH_MAX, CUT, sizeof(CUT));
	refused(deep);
}

static void test_ids(void **state)
{
	static const char one[] = "\n{\"pdus\":{\"" ID "\":{}}}", two[] = "\n{\"pdus\":{\"" ID "\":{},\"" ID "\":{}}}";
	struct th_wr w = th_wr_init(got, sizeof(got));

	(void)state;
	th_computed_ids(&w, TH_STR("{\"pdus\":[" EVENT "]}"));
	assert_int_equal(w.n, strlen(one));
	assert_memory_equal(got, one, w.n);
	w.n = 0;
	th_computed_ids(&w, TH_STR("[" EVENT "," EVENT "]"));
	assert_int_equal(w.n, strlen(two));
	assert_memory_equal(got, two, w.n);
	w.n = 0;
	th_computed_ids(&w, TH_STR("{\"hashes\":{\"sha256\":\"\"},\"type\":\"m.room.member\"}"));
	th_computed_ids(&w, TH_STR("{\"hashes\":{\"sha256\":\"\"}}"));
	th_computed_ids(&w, TH_STR("{}"));
	assert_int_equal(w.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes_are_cut_and_come_back),
		cmocka_unit_test(test_what_is_not_right_stays),
		cmocka_unit_test(test_the_mark_itself),
		cmocka_unit_test(test_marks_of_strangers),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
