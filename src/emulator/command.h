/* Commands as text: what the control socket takes and what a schedule holds.
 *
 *     get [NAME]            set NAME VALUE           preset NAME       stats       reset
 *     down                  up                       rebind            at TIME COMMAND
 *
 * NAME is a parameter of the link (emulator/profile.h), with "up." or "down." in front for one direction. TIME counts
 * from the start. Text comes from outside: bounded, and nothing is done unless all of it is understood. */
#ifndef TH_EMULATOR_COMMAND_H
#define TH_EMULATOR_COMMAND_H

#include "emulator/emulator.h"

enum {
	TH_EMU_LINE_MAX = 200,	   /* a command, without its newline */
	TH_EMU_REPLY_MAX = 8192,   /* an answer and its NUL */
	TH_EMU_SCHEDULE_MAX = 256, /* commands waiting for their time */
	TH_EMU_VALUE_MAX = 16,	   /* any parameter's field */
};

enum th_emu_command_kind {
	TH_EMU_GET,
	TH_EMU_SET,
	TH_EMU_PRESET,
	TH_EMU_STATS,
	TH_EMU_RESET,
	TH_EMU_LINK_DOWN,
	TH_EMU_LINK_UP,
	TH_EMU_REBIND,
	TH_EMU_HELP,
};

struct th_emu_command {
	enum th_emu_command_kind kind;
	bool scheduled;
	th_time at;		       /* since the start, when it is scheduled */
	const struct th_option *param; /* of get and set; NULL: get all */
	bool ways[TH_EMU_WAYS];
	uint64_t value[TH_EMU_VALUE_MAX / sizeof(uint64_t)]; /* of set: the field's bytes */
	const struct th_emu_preset *preset;
};

/* TH_ERR_INVALID, and `why` says what is wrong and what would be right; `out` is untouched then. */
enum th_err th_emu_command_parse(struct th_emu_command *out, const char *line, char why[static TH_OPTION_MESSAGE]);

/* The link with its schedule. */
struct th_emu_control {
	struct th_emu emu;
	struct {
		th_time at; /* on the emulator's clock */
		struct th_emu_command command;
	} schedule[TH_EMU_SCHEDULE_MAX]; /* soonest first, equal times as they came */
	size_t scheduled;
	void (*rebind)(void *user); /* NULL: nothing to rebind. May not call back. */
	/* A scheduled command is carried out. NULL: nobody is told. */
	void (*told)(void *user, const struct th_emu_command *c, th_time at);
};

/* Does it now, or puts it into the schedule. `reply` is one line without a newline: JSON for get and stats, else "ok",
 * or "error: " and why (TH_ERR_FULL when the schedule is, TH_ERR_INVALID when its time has passed). */
enum th_err th_emu_control_do(struct th_emu_control *c, const struct th_emu_command *command, th_time now,
			      char reply[static TH_EMU_REPLY_MAX]);
/* Parses and does. */
enum th_err th_emu_control_line(struct th_emu_control *c, const char *line, th_time now,
				char reply[static TH_EMU_REPLY_MAX]);

/* th_emu_run() and th_emu_deadline() with the schedule: its commands are carried out at their own time. */
void th_emu_control_run(struct th_emu_control *c, th_time now);
th_time th_emu_control_deadline(const struct th_emu_control *c);

/* A word for logs: "set", "rebind". */
const char *th_emu_command_word(enum th_emu_command_kind kind);

#endif
