/* Carrying commands out, now or at their time. */
#include "emulator/command.h"

#include <stdio.h>
#include <string.h>

#include "emulator/report.h"

static void set_both(struct th_emu *e, const struct th_emu_profile p[static TH_EMU_WAYS], th_time now)
{
	for (int w = 0; w < TH_EMU_WAYS; w++)
		th_emu_set_profile(e, (enum th_emu_way)w, &p[w], now);
}

static void set_param(struct th_emu_profile p[static TH_EMU_WAYS], const struct th_emu_command *c)
{
	for (int w = 0; w < TH_EMU_WAYS; w++)
		if (c->ways[w])
			memcpy(th_emu_param_field(&p[w], c->param), c->value, c->param->size);
}

/* What it is to be, with everything that a preset or a parameter does not name as it was. */
static void change(struct th_emu *e, const struct th_emu_command *c, th_time now)
{
	struct th_emu_profile p[TH_EMU_WAYS];

	for (int w = 0; w < TH_EMU_WAYS; w++)
		p[w] = e->way[w].profile;
	if (c->kind == TH_EMU_SET)
		set_param(p, c);
	else if (c->kind == TH_EMU_PRESET)
		th_emu_preset_apply(c->preset, p);
	else
		p[TH_EMU_UP].outage = p[TH_EMU_DOWN].outage = c->kind == TH_EMU_LINK_DOWN;
	set_both(e, p, now);
}

static void act(struct th_emu_control *c, const struct th_emu_command *command, th_time now,
		char reply[static TH_EMU_REPLY_MAX])
{
	snprintf(reply, TH_EMU_REPLY_MAX, "ok");
	th_emu_run_before(&c->emu, now);
	switch (command->kind) {
	case TH_EMU_GET:
		th_emu_report_profile(&c->emu, command->param, command->ways, reply, TH_EMU_REPLY_MAX);
		break;
	case TH_EMU_STATS:
		th_emu_report_stats(&c->emu, reply, TH_EMU_REPLY_MAX);
		break;
	case TH_EMU_RESET:
		th_emu_reset_stats(&c->emu);
		break;
	case TH_EMU_REBIND:
		if (c->rebind)
			c->rebind(c->emu.user);
		break;
	case TH_EMU_HELP:
		snprintf(reply, TH_EMU_REPLY_MAX,
			 "ok: get [NAME] | set NAME VALUE | preset NAME | stats | reset | down | up | rebind | "
			 "at TIME COMMAND");
		break;
	case TH_EMU_SET:
	case TH_EMU_PRESET:
	case TH_EMU_LINK_DOWN:
	case TH_EMU_LINK_UP:
		change(&c->emu, command, now);
		break;
	}
}

static enum th_err put_off(struct th_emu_control *c, const struct th_emu_command *command, th_time now,
			   char reply[static TH_EMU_REPLY_MAX])
{
	th_time at = th_time_add(c->emu.begun, command->at);
	size_t i = c->scheduled;

	if (at < now) {
		snprintf(reply, TH_EMU_REPLY_MAX, "error: that time has passed");
		return TH_ERR_INVALID;
	}
	if (c->scheduled == TH_EMU_SCHEDULE_MAX) {
		snprintf(reply, TH_EMU_REPLY_MAX, "error: the schedule is full");
		return TH_ERR_FULL;
	}
	for (; i > 0 && c->schedule[i - 1].at > at; i--)
		c->schedule[i] = c->schedule[i - 1];
	c->schedule[i].at = at;
	c->schedule[i].command = *command;
	c->scheduled++;
	snprintf(reply, TH_EMU_REPLY_MAX, "ok");
	return TH_OK;
}

enum th_err th_emu_control_do(struct th_emu_control *c, const struct th_emu_command *command, th_time now,
			      char reply[static TH_EMU_REPLY_MAX])
{
	th_emu_control_run(c, now);
	if (command->scheduled)
		return put_off(c, command, now, reply);
	act(c, command, now, reply);
	return TH_OK;
}

enum th_err th_emu_control_line(struct th_emu_control *c, const char *line, th_time now,
				char reply[static TH_EMU_REPLY_MAX])
{
	char why[TH_OPTION_MESSAGE];
	struct th_emu_command command;
	enum th_err err = th_emu_command_parse(&command, line, why);

	if (err == TH_OK)
		return th_emu_control_do(c, &command, now, reply);
	snprintf(reply, TH_EMU_REPLY_MAX, "error: %s", why);
	return err;
}

void th_emu_control_run(struct th_emu_control *c, th_time now)
{
	char reply[TH_EMU_REPLY_MAX];

	while (c->scheduled && c->schedule[0].at <= now) {
		const struct th_emu_command command = c->schedule[0].command;
		th_time at = c->schedule[0].at;

		c->scheduled--;
		memmove(&c->schedule[0], &c->schedule[1], c->scheduled * sizeof(c->schedule[0]));
		act(c, &command, at, reply);
		if (c->told)
			c->told(c->emu.user, &command, at);
	}
	th_emu_run(&c->emu, now);
}

th_time th_emu_control_deadline(const struct th_emu_control *c)
{
	return th_time_min(th_emu_deadline(&c->emu), c->scheduled ? c->schedule[0].at : TH_NEVER);
}
