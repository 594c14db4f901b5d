#include "home/kept.h"

struct th_kept *th_kept_new(const struct th_mem *mem, const struct th_head *head, size_t max)
{
	size_t bytes = sizeof(struct th_kept) + head->n_fields * sizeof(struct th_field);
	struct th_kept *k;
	char *text;

	if (head->n_fields > TH_HEAD_FIELDS_MAX || th_head_bytes(head) > TH_HEAD_BYTES_MAX)
		return NULL;
	bytes += th_head_bytes(head);
	k = th_alloc(mem, bytes);
	if (!k)
		return NULL;
	k->mem = mem;
	k->users = 1;
	k->bytes = bytes;
	k->status = head->status;
	k->body_len = head->body_len;
	k->fields = (struct th_field *)(void *)(k + 1);
	k->n_fields = head->n_fields;
	text = (char *)(k->fields + head->n_fields);
	for (size_t i = 0; i < head->n_fields; i++) {
		struct th_str *to[] = { &k->fields[i].name, &k->fields[i].value };
		const struct th_str from[] = { head->fields[i].name, head->fields[i].value };

		for (size_t j = 0; j < 2; j++) {
			if (from[j].n > 0)
				memcpy(text, from[j].p, from[j].n);
			*to[j] = (struct th_str){ text, from[j].n };
			text += from[j].n;
		}
	}
	th_buf_init(&k->body, mem, max);
	return k;
}

void th_kept_use(struct th_kept *k)
{
	k->users++;
}

void th_kept_drop(struct th_kept *k)
{
	if (!k || --k->users > 0)
		return;
	th_buf_free(&k->body);
	th_free(k->mem, k);
}
