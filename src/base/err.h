/* One error space for the whole program.
 *
 * Three classes are never mixed: the peer sent rubbish (count, drop, stay silent), a resource or I/O failed (return
 * the error up), a bug of ours (assert). Every header says which of these its calls return. */
#ifndef TH_BASE_ERR_H
#define TH_BASE_ERR_H

enum th_err {
	TH_OK = 0,
	TH_ERR_MALFORMED = -1,   /* bytes from outside break their format */
	TH_ERR_TOO_LARGE = -2,   /* over a stated limit, or the output buffer is too small */
	TH_ERR_NO_MEMORY = -3,
	TH_ERR_FULL = -4,        /* a table or queue is at its cap: try again later */
	TH_ERR_TIMEOUT = -5,     /* the other side stayed silent */
	TH_ERR_RESET = -6,       /* the other side refused or forgot: CoAP RST, TCP reset */
	TH_ERR_REFUSED = -7,     /* nobody listens there */
	TH_ERR_UNSUPPORTED = -8, /* well-formed, but asks for what we do not do */
	TH_ERR_CANCELLED = -9,   /* our own user gave up */
	TH_ERR_IO = -10,         /* the system said no; errno or a message tells more */
	TH_ERR_CLOSED = -11,     /* the other side ended before its message was whole */
	TH_ERR_INVALID = -12,    /* a value is outside what is allowed */
	TH_ERR_NOT_FOUND = -13,
	TH_ERR_TLS = -14,        /* certificate or TLS failure */
	TH_ERR_LAST = -15,       /* not an error: one past the last, for the table's test */
};

/* A short lower-case phrase without a full stop, never NULL. */
const char *th_strerror(enum th_err err);

#endif
