#include "base/err.h"

static const char *const messages[] = {
	[-TH_OK] = "success",
	[-TH_ERR_MALFORMED] = "malformed message",
	[-TH_ERR_TOO_LARGE] = "too large",
	[-TH_ERR_NO_MEMORY] = "out of memory",
	[-TH_ERR_FULL] = "table or queue is full",
	[-TH_ERR_TIMEOUT] = "no answer in time",
	[-TH_ERR_RESET] = "reset by peer",
	[-TH_ERR_REFUSED] = "connection refused",
	[-TH_ERR_UNSUPPORTED] = "not supported",
	[-TH_ERR_CANCELLED] = "cancelled",
	[-TH_ERR_IO] = "input or output failed",
	[-TH_ERR_CLOSED] = "closed before the message was whole",
	[-TH_ERR_INVALID] = "invalid value",
	[-TH_ERR_NOT_FOUND] = "not found",
	[-TH_ERR_TLS] = "TLS failed",
};

const char *th_strerror(enum th_err err)
{
	if (err > TH_OK || err <= TH_ERR_LAST || !messages[-err])
		return "unknown error";
	return messages[-err];
}
