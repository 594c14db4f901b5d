/* Just enough JSON to change a few members of an object and leave every other byte as it is. Nothing is decoded or
 * written anew. */
#ifndef TH_HOME_JSON_H
#define TH_HOME_JSON_H

#include "base/buf.h"
#include "base/str.h"

enum { TH_JSON_DEPTH_MAX = 32 };

/* Whether the text is one well-formed JSON object, with white space around it allowed (RFC 8259). Numbers and strings
 * are checked for their ends, not for every rule. */
bool th_json_is_object(struct th_str text);

/* The value of a member; false when the object has none of that name, or the text is none. The last one counts when a
 * name is there twice. Names are compared as they are written: escaped ones do not fit. */
bool th_json_member(struct th_str object, struct th_str name, struct th_str *value);

/* Writes to `out` the object with one member set: its value replaced, or the member put in front of the others. `value`
 * is JSON. TH_ERR_MALFORMED when it is no object; else as th_buf_append(). */
enum th_err th_json_set(struct th_str object, struct th_str name, struct th_str value, struct th_buf *out);

#endif
