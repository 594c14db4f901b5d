#include "daemon/reload.h"

#include <string.h>

#include "base/log.h"

static void hear(void *ctx, const char *text)
{
	char quoted[TH_OPTION_MESSAGE];

	(void)ctx;
	th_log(TH_LOG_ERROR, "config", "text=%s", th_log_quote(quoted, sizeof(quoted), th_str_of(text)));
}

/* Whether it was taken over. */
static bool change(struct th_options *running, const struct th_options *fresh, size_t i)
{
	const struct th_option *opt = &th_option_table[i];
	char before[TH_OPTION_TEXT], after[TH_OPTION_TEXT];

	th_option_format(opt, th_option_field(running, opt), before);
	th_option_format(opt, th_option_field(fresh, opt), after);
	if (!(opt->flags & TH_OPTION_RELOAD)) {
		th_log(TH_LOG_WARN, "restart_needed", "option=%s value=\"%.200s\" new=\"%.200s\"", opt->name, before,
		       after);
		return false;
	}
	th_log(TH_LOG_INFO, "changed", "option=%s value=\"%.200s\" new=\"%.200s\"", opt->name, before, after);
	memcpy((char *)running + opt->at, th_option_field(fresh, opt), opt->size);
	running->origin[i] = fresh->origin[i];
	running->line[i] = fresh->line[i];
	return true;
}

enum th_err th_reload(struct th_options *running, int argc, char *const argv[])
{
	struct th_complaints c = { .hear = hear };
	struct th_options fresh;
	unsigned taken = 0, refused = 0;
	enum th_err err = th_options_load(&fresh, argc, argv, &c);

	if (err == TH_OK)
		err = th_options_check(&fresh, &c);
	if (err != TH_OK) {
		th_log(TH_LOG_ERROR, "reload", "ok=false errors=%u hint=\"the old configuration stays in force\"", c.n);
		return err;
	}
	for (size_t i = 0; i < th_option_count; i++) {
		const struct th_option *opt = &th_option_table[i];

		if (memcmp(th_option_field(running, opt), th_option_field(&fresh, opt), opt->size) == 0)
			continue;
		if (change(running, &fresh, i))
			taken++;
		else
			refused++;
	}
	th_log(TH_LOG_INFO, "reload", "ok=true changed=%u restart_needed=%u", taken, refused);
	return TH_OK;
}
