/* Options of thimble-link. One table makes the command line, --help and the manual page; each parameter of the link
 * (emulator/profile.h) stands in it three times: for both directions, with up- and with down- in front. */
#ifndef TH_RELAY_OPTIONS_H
#define TH_RELAY_OPTIONS_H

#include "emulator/command.h"
#include "program/option.h"

enum {
	TH_RELAY_OPTIONS_MAX = 80, /* rows in the table */
	TH_RELAY_AT_MAX = 32 * 1024,
};

enum th_relay_capture_at { TH_CAPTURE_SENT, TH_CAPTURE_DELIVERED };

/* Plain data. */
struct th_relay_options {
	bool help, version, show, show_start;
	struct th_addr listen, target; /* port 0 in target: not given */
	char control[TH_OPTION_PATH_MAX];
	char capture[TH_OPTION_PATH_MAX];
	unsigned capture_at; /* enum th_relay_capture_at */
	uint64_t seed;
	unsigned max_clients;
	th_time nat_timeout;
	unsigned preset; /* place in th_emu_presets + 1; 0: none */
	char at[TH_RELAY_AT_MAX];
	struct th_emu_profile both, way[TH_EMU_WAYS]; /* as given: th_relay_profiles() puts them together */

	uint8_t origin[TH_RELAY_OPTIONS_MAX];
	unsigned line[TH_RELAY_OPTIONS_MAX];
};

/* Made at the first call. */
const struct th_option_schema *th_relay_schema(void);

void th_relay_options_init(struct th_relay_options *o);
/* Every mistake is complained about, those between options too; TH_ERR_INVALID when there was one. With help or version
 * asked for, nothing more is demanded. */
enum th_err th_relay_options_load(struct th_relay_options *o, int argc, char *const argv[], struct th_complaints *c);

/* Preset, then what was given for both directions, then for one. */
void th_relay_profiles(const struct th_relay_options *o, struct th_emu_profile out[static TH_EMU_WAYS]);
/* What --at gave as commands, `each` called in order. TH_ERR_INVALID at the first that is not understood, with `why`.
 */
enum th_err th_relay_schedule(const struct th_relay_options *o,
			      void (*each)(void *user, const struct th_emu_command *c), void *user,
			      char why[static TH_OPTION_MESSAGE]);

void th_relay_help(FILE *out);

#endif
