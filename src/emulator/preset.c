/* Kinds of links. Each says where its figures come from; what is a choice of ours says so. */
#include "emulator/profile.h"

#include <assert.h>
#include <string.h>

enum { SETTING_MAX = 64 };

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

const struct th_emu_preset th_emu_presets[] = {
	{ "100bps", "the thinnest link that thimble is made for",
	  "The project's own first case: 100 bit/s, 2 s one way, 40 % jitter; loss is to be added as wanted",
	  SETTINGS("rate=100 bit/s", "latency=2 s", "jitter=40 %", "queue-bytes=8 KiB") },
	{ "300bps", "a slow modem with loss",
	  "The project's own case of a conversation: 300 bit/s, 10 % loss; latency and jitter as 100bps, halved",
	  SETTINGS("rate=300 bit/s", "latency=1 s", "jitter=20 %", "loss=10 %", "queue-bytes=8 KiB") },
	{ "hf", "short-wave radio, serial-tone modem at 600 bit/s",
	  "MIL-STD-188-110B: 75 to 2400 bit/s, short interleaver 0.6 s, which sender and receiver each fill once; "
	  "STANAG 5066: 2,048 bytes at most in a client's unit, half duplex; turnaround of seconds: Isode, Reducing "
	  "Turnaround Times in STANAG 5066. Fading (7 % loss, most of it in bad times of three datagrams) is our "
	  "choice",
	  SETTINGS("rate=600 bit/s", "latency=1200 ms", "jitter=10 %", "loss=1 %", "burst-enter=4 %",
		   "burst-leave=30 %", "burst-loss=50 %", "mtu=2048", "queue-bytes=16 KiB", "half-duplex=true",
		   "turnaround=1 s") },
	{ "lora", "LoRa at spreading factor 9, 125 kHz, between two radios",
	  "LoRaWAN Regional Parameters, EU868 DR3: 1,760 bit/s; preamble 12.25 symbols of 4.1 ms; a frame holds 255 "
	  "bytes (Semtech SX1276). Loss is our choice. The law's 1 % of airtime (ETSI EN 300 220) is not kept: it "
	  "would be 17 bit/s",
	  SETTINGS("rate=1760 bit/s", "latency=50 ms", "jitter=20 ms", "loss=5 %", "mtu=255", "queue-bytes=4 KiB",
		   "half-duplex=true", "turnaround=20 ms") },
	{ "2g", "GPRS, four slots down and one up",
	  "RFC 3481 section 2: 10 to 20 kbit/s up, 10 to 40 kbit/s down, round trips of some hundred milliseconds to "
	  "a second; 3GPP TS 23.060: 1,500 bytes. Loss is our choice: the radio link repeats what it loses",
	  SETTINGS("up.rate=10 kbit/s", "down.rate=40 kbit/s", "latency=350 ms", "jitter=30 %", "loss=0.5 %",
		   "mtu=1500", "queue-bytes=20 KiB") },
	{ "geo", "geostationary satellite",
	  "RFC 2488 section 2: at least 558 ms there and back, here 600 ms with what ground stations add; 1 Mbit/s "
	  "is the project's case. The queue holds one round trip",
	  SETTINGS("rate=1 Mbit/s", "latency=300 ms", "jitter=5 ms", "loss=0.1 %", "mtu=1500", "queue-bytes=75000") },
};

const size_t th_emu_preset_count = sizeof(th_emu_presets) / sizeof(th_emu_presets[0]);

const struct th_emu_preset *th_emu_preset_named(const char *name)
{
	for (size_t i = 0; i < th_emu_preset_count; i++)
		if (strcmp(th_emu_presets[i].name, name) == 0)
			return &th_emu_presets[i];
	return NULL;
}

/* Ours, so a mistake in one is a bug. */
static void apply(const char *setting, struct th_emu_profile out[static TH_EMU_WAYS])
{
	const char *value = strchr(setting, '=');
	bool ways[TH_EMU_WAYS];
	const struct th_option *opt;
	char name[SETTING_MAX];
	enum th_err err = TH_ERR_INVALID;

	assert(value && (size_t)(value - setting) < sizeof(name));
	memcpy(name, setting, (size_t)(value - setting));
	name[value - setting] = '\0';
	opt = th_emu_param_find(name, ways);
	assert(opt);
	for (int w = 0; w < TH_EMU_WAYS; w++)
		if (ways[w])
			err = th_option_parse(opt, value + 1, th_emu_param_field(&out[w], opt));
	assert(err == TH_OK);
	(void)err;
}

void th_emu_preset_apply(const struct th_emu_preset *p, struct th_emu_profile out[static TH_EMU_WAYS])
{
	for (int w = 0; w < TH_EMU_WAYS; w++)
		th_emu_profile_init(&out[w]);
	for (const char *const *s = p->settings; *s; s++)
		apply(*s, out);
}
