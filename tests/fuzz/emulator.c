/* The link emulator as one machine: lines of the input are commands, ">N" and "<N" are datagrams of N bytes up and
 * down,
 * "+N" lets N milliseconds pass. Whatever is said, each datagram has one fate, time moves on, and answers are one line.
 */
#include "fuzz.h"

#include <string.h>

#include "emulator/command.h"

enum { LINES_MAX = 64, OVERHEAD = 28, PAYLOAD = 2000, STEP_MAX_MS = 100000 };

static struct {
	struct th_emu_control control;
	th_time now, last_arrival;
	unsigned rebinds;
} state;

static void deliver(void *user, const struct th_emu_dgram *d, th_time at)
{
	(void)user;
	FUZZ_CHECK(at >= state.last_arrival && at >= d->departs && d->departs >= d->started &&
		   d->started >= d->entered);
	FUZZ_CHECK(d->n <= PAYLOAD && d->number > 0);
	state.last_arrival = at;
}

static void rebind(void *user)
{
	(void)user;
	state.rebinds++;
}

static const struct th_emu_ops ops = { .deliver = deliver };

static void check_balance(void)
{
	size_t held = 0;

	for (int w = 0; w < TH_EMU_WAYS; w++) {
		struct th_emu_stats s;

		th_emu_stats(&state.control.emu, (enum th_emu_way)w, &s);
		FUZZ_CHECK(s.airtime <= s.elapsed);
		held += s.waiting.dgrams + s.under_way.dgrams;
	}
	FUZZ_CHECK(held == state.control.emu.held);
	FUZZ_CHECK(th_emu_deadline(&state.control.emu) > state.now);
	FUZZ_CHECK(th_emu_control_deadline(&state.control) >= state.now); /* "at 0s" is now */
}

static uint64_t number(const char *text)
{
	uint64_t v = 0;

	for (; *text >= '0' && *text <= '9' && v < STEP_MAX_MS; text++)
		v = v * 10 + (uint64_t)(*text - '0');
	return v;
}

static void command(const char *line)
{
	static char reply[TH_EMU_REPLY_MAX];
	enum th_err err = th_emu_control_line(&state.control, line, state.now, reply);
	size_t n = strlen(reply);

	FUZZ_CHECK(n > 0 && n < sizeof(reply) && strcspn(reply, "\n\r") == n);
	FUZZ_CHECK((err == TH_OK) == (strncmp(reply, "error: ", 7) != 0));
	FUZZ_CHECK(*reply != '{' || reply[n - 1] == '}'); /* JSON is whole */
}

static void play(const char *line)
{
	static const uint8_t payload[PAYLOAD];

	switch (*line) {
	case '>':
	case '<':
		th_emu_control_run(&state.control, state.now);
		th_emu_enter(&state.control.emu, *line == '>' ? TH_EMU_UP : TH_EMU_DOWN, 1, payload,
			     (size_t)(number(line + 1) % (PAYLOAD + 1)), state.now);
		break;
	case '+':
		state.now += number(line + 1) * TH_MS;
		th_emu_control_run(&state.control, state.now);
		break;
	default:
		command(line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char line[TH_EMU_LINE_MAX + 8];
	size_t len = 0;

	memset(&state, 0, sizeof(state));
	th_emu_init(&state.control.emu, &th_mem_libc, &ops, NULL, n, OVERHEAD, 0);
	state.control.rebind = rebind;
	for (size_t i = 0, lines = 0; i < n && lines < LINES_MAX; i++) {
		if (data[i] != '\n' && len + 1 < sizeof(line)) {
			line[len++] = (char)data[i];
			continue;
		}
		line[len] = '\0';
		play(line);
		check_balance();
		len = 0;
		lines++;
	}
	th_emu_free(&state.control.emu);
	return 0;
}
