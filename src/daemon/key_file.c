#include "daemon/key_file.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "daemon/own_file.h"
#include "session/key.h"

static const struct th_str head = TH_STR_INIT("thimble-secret-key-1 ");

enum { LINE_ROOM = 128 };

/* The newline at the end may be missing, as an editor or a secrets store may have it. */
static enum th_err parse(struct th_noise_secret *out, struct th_str text)
{
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (!th_str_starts(text, head))
		return TH_ERR_MALFORMED;
	return th_key_parse(out->b, (struct th_str){ text.p + head.n, text.n - head.n });
}

/* TH_ERR_NOT_FOUND is said to nobody. */
static enum th_err load(struct th_noise_pair *out, const char *path, struct th_complaints *c)
{
	char text[LINE_ROOM];
	enum th_err err;
	size_t n = 0;

	memset(out, 0, sizeof(*out));
	err = th_own_file_read(path, S_IRWXG | S_IRWXO, text, sizeof(text), &n, c);
	if (err != TH_OK)
		goto out;
	err = parse(&out->secret, (struct th_str){ text, n });
	if (err != TH_OK) {
		th_complain(c, "%s: holds no secret key of thimble; make one under another name: thimble keygen FILE",
			    path);
	} else if (!th_noise_public(out->public, &out->secret)) {
		th_complain(c, "%s: the cryptographic library cannot use this key", path);
		err = TH_ERR_IO;
	}
out:
	th_wipe(text, sizeof(text));
	if (err != TH_OK)
		th_wipe(out, sizeof(*out));
	return err;
}

enum th_err th_key_file_load(struct th_noise_pair *out, const char *path, struct th_complaints *c)
{
	enum th_err err = load(out, path, c);

	if (err == TH_ERR_NOT_FOUND)
		th_complain(c, "%s: there is no such file; make a key: thimble keygen %s", path, path);
	return err;
}

/* TH_ERR_FULL is said to nobody. */
static enum th_err make(struct th_noise_pair *out, const char *path, const struct th_rng *rng, struct th_complaints *c)
{
	char text[LINE_ROOM], key[TH_KEY_TEXT];
	enum th_err err = TH_ERR_IO;

	if (!th_noise_keygen(out, rng)) {
		th_complain(c, "the cryptographic library cannot make a key");
	} else {
		int n = snprintf(text, sizeof(text), "%s%s\n", head.p, th_key_text(key, out->secret.b));

		err = th_own_file_create(path, text, (size_t)n, c);
		th_wipe(text, sizeof(text));
		th_wipe(key, sizeof(key));
	}
	if (err != TH_OK)
		th_wipe(out, sizeof(*out));
	return err;
}

enum th_err th_key_file_make(struct th_noise_pair *out, const char *path, const struct th_rng *rng,
			     struct th_complaints *c)
{
	enum th_err err = make(out, path, rng, c);

	if (err == TH_ERR_FULL)
		th_complain(c,
			    "%s: exists already and is left alone, as a lost key cannot be made again; choose another "
			    "name, or move it away",
			    path);
	return err;
}

enum th_err th_key_file_obtain(struct th_noise_pair *out, bool *made, const char *path, const struct th_rng *rng,
			       struct th_complaints *c)
{
	enum th_err err = load(out, path, c);

	*made = false;
	if (err != TH_ERR_NOT_FOUND)
		return err;
	err = make(out, path, rng, c);
	if (err == TH_ERR_FULL) /* another daemon was faster, or a link leads nowhere */
		return th_key_file_load(out, path, c);
	*made = err == TH_OK;
	return err;
}
