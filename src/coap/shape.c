#include "coap/shape.h"

const struct th_compact_form_rule th_compact_forms[TH_FORM_LAST] = {
	[TH_FORM_ASK] = { .type = TH_COAP_CON },
	[TH_FORM_ASK_8] = { .type = TH_COAP_CON, .back = 8 },
	[TH_FORM_ASK_16] = { .type = TH_COAP_CON, .back = 16 },
	[TH_FORM_TELL] = { .type = TH_COAP_NON },
	[TH_FORM_ACK_8] = { .type = TH_COAP_ACK, .ref = 8 },
	[TH_FORM_ACK_16] = { .type = TH_COAP_ACK, .ref = 16 },
	[TH_FORM_ACK_8_8] = { .type = TH_COAP_ACK, .ref = 8, .back = 8 },
	[TH_FORM_ACK_16_16] = { .type = TH_COAP_ACK, .ref = 16, .back = 16 },
	[TH_FORM_CON_8] = { .type = TH_COAP_CON, .ref = 8 },
	[TH_FORM_CON_16] = { .type = TH_COAP_CON, .ref = 16 },
	[TH_FORM_NON_8] = { .type = TH_COAP_NON, .ref = 8 },
	[TH_FORM_NON_16] = { .type = TH_COAP_NON, .ref = 16 },
	[TH_FORM_PING] = { .type = TH_COAP_CON, .empty = true },
	[TH_FORM_EMPTY_ACK_8] = { .type = TH_COAP_ACK, .ref = 8, .empty = true },
	[TH_FORM_EMPTY_ACK_16] = { .type = TH_COAP_ACK, .ref = 16, .empty = true },
	[TH_FORM_RST_8] = { .type = TH_COAP_RST, .ref = 8, .empty = true },
	[TH_FORM_RST_16] = { .type = TH_COAP_RST, .ref = 16, .empty = true },
	[TH_FORM_OWN_CON] = { .type = TH_COAP_CON, .spelled = true },
	[TH_FORM_OWN_NON] = { .type = TH_COAP_NON, .spelled = true },
	[TH_FORM_ALL_CON] = { .type = TH_COAP_CON, .spelled = true, .mid = true },
	[TH_FORM_ALL_NON] = { .type = TH_COAP_NON, .spelled = true, .mid = true },
	[TH_FORM_ALL_ACK] = { .type = TH_COAP_ACK, .spelled = true, .mid = true },
	[TH_FORM_ALL_RST] = { .type = TH_COAP_RST, .spelled = true, .mid = true },
};

const struct th_compact_shape th_compact_shapes[] = {
	{ 0x00, TH_FORM_ASK, TH_CONTENT_ENVELOPE, "request" },
	{ 0x08, TH_FORM_ACK_8, TH_CONTENT_ENVELOPE, "response" },
	{ 0x10, TH_FORM_ACK_16, TH_CONTENT_ENVELOPE, "response" },
	{ 0x18, TH_FORM_CON_8, TH_CONTENT_ENVELOPE, "response" },
	{ 0x20, TH_FORM_CON_16, TH_CONTENT_ENVELOPE, "response" },
	{ 0x28, TH_FORM_ASK, TH_CONTENT_REGISTER, "register" },
	{ 0x30, TH_FORM_ACK_8, TH_CONTENT_NOTIFY, "notification" },
	{ 0x38, TH_FORM_ACK_16, TH_CONTENT_NOTIFY, "notification" },
	{ 0x40, TH_FORM_CON_8, TH_CONTENT_NOTIFY, "notification" },
	{ 0x48, TH_FORM_CON_16, TH_CONTENT_NOTIFY, "notification" },
	{ 0x50, TH_FORM_NON_8, TH_CONTENT_NOTIFY, "notification" },
	{ 0x58, TH_FORM_NON_16, TH_CONTENT_NOTIFY, "notification" },
	{ 0x60, TH_FORM_PING, TH_CONTENT_NONE, "ping" },
	{ 0x61, TH_FORM_EMPTY_ACK_8, TH_CONTENT_NONE, "empty" },
	{ 0x62, TH_FORM_EMPTY_ACK_16, TH_CONTENT_NONE, "empty" },
	{ 0x63, TH_FORM_RST_8, TH_CONTENT_NONE, "empty" },
	{ 0x64, TH_FORM_RST_16, TH_CONTENT_NONE, "empty" },
	{ 0x65, TH_FORM_TELL, TH_CONTENT_CANCEL_8, "cancel" },
	{ 0x66, TH_FORM_TELL, TH_CONTENT_CANCEL_16, "cancel" },
	{ 0x67, TH_FORM_ASK, TH_CONTENT_BLOCK1, "block1" },
	{ 0x68, TH_FORM_ASK_8, TH_CONTENT_BLOCK1, "block1" },
	{ 0x69, TH_FORM_ASK_16, TH_CONTENT_BLOCK1, "block1" },
	{ 0x6a, TH_FORM_ACK_8, TH_CONTENT_BLOCK1, "block1" },
	{ 0x6b, TH_FORM_ACK_16, TH_CONTENT_BLOCK1, "block1" },
	{ 0x6c, TH_FORM_ACK_8_8, TH_CONTENT_BLOCK1, "block1" },
	{ 0x6d, TH_FORM_ACK_16_16, TH_CONTENT_BLOCK1, "block1" },
	{ 0x6e, TH_FORM_CON_8, TH_CONTENT_BLOCK1, "block1" },
	{ 0x6f, TH_FORM_CON_16, TH_CONTENT_BLOCK1, "block1" },
	{ 0x70, TH_FORM_ASK_8, TH_CONTENT_BLOCK2, "block2" },
	{ 0x71, TH_FORM_ASK_16, TH_CONTENT_BLOCK2, "block2" },
	{ 0x72, TH_FORM_ACK_8, TH_CONTENT_BLOCK2, "block2" },
	{ 0x73, TH_FORM_ACK_16, TH_CONTENT_BLOCK2, "block2" },
	{ 0x74, TH_FORM_ACK_8_8, TH_CONTENT_BLOCK2, "block2" },
	{ 0x75, TH_FORM_ACK_16_16, TH_CONTENT_BLOCK2, "block2" },
	{ 0x76, TH_FORM_CON_8, TH_CONTENT_BLOCK2, "block2" },
	{ 0x77, TH_FORM_CON_16, TH_CONTENT_BLOCK2, "block2" },
	{ 0x78, TH_FORM_ACK_8, TH_CONTENT_BLOCKS, "block1+2" },
	{ 0x79, TH_FORM_ACK_16, TH_CONTENT_BLOCKS, "block1+2" },
	{ 0x7a, TH_FORM_ACK_8_8, TH_CONTENT_BLOCKS, "block1+2" },
	{ 0x7b, TH_FORM_ACK_16_16, TH_CONTENT_BLOCKS, "block1+2" },
	{ 0x7c, TH_FORM_CON_8, TH_CONTENT_BLOCKS, "block1+2" },
	{ 0x7d, TH_FORM_CON_16, TH_CONTENT_BLOCKS, "block1+2" },
	{ 0x7e, TH_FORM_ACK_8, TH_CONTENT_CONTINUE, "continue" },
	{ 0x7f, TH_FORM_ACK_16, TH_CONTENT_CONTINUE, "continue" },
	{ 0x80, TH_FORM_ACK_8_8, TH_CONTENT_CONTINUE, "continue" },
	{ 0x81, TH_FORM_ACK_16_16, TH_CONTENT_CONTINUE, "continue" },
	{ 0x82, TH_FORM_CON_8, TH_CONTENT_CONTINUE, "continue" },
	{ 0x83, TH_FORM_CON_16, TH_CONTENT_CONTINUE, "continue" },
	{ 0x84, TH_FORM_ASK, TH_CONTENT_ANY, "any" },
	{ 0x85, TH_FORM_ASK_8, TH_CONTENT_ANY, "any" },
	{ 0x86, TH_FORM_ASK_16, TH_CONTENT_ANY, "any" },
	{ 0x87, TH_FORM_TELL, TH_CONTENT_ANY, "any" },
	{ 0x88, TH_FORM_ACK_8, TH_CONTENT_ANY, "any" },
	{ 0x89, TH_FORM_ACK_16, TH_CONTENT_ANY, "any" },
	{ 0x8a, TH_FORM_ACK_8_8, TH_CONTENT_ANY, "any" },
	{ 0x8b, TH_FORM_ACK_16_16, TH_CONTENT_ANY, "any" },
	{ 0x8c, TH_FORM_CON_8, TH_CONTENT_ANY, "any" },
	{ 0x8d, TH_FORM_CON_16, TH_CONTENT_ANY, "any" },
	{ 0x8e, TH_FORM_NON_8, TH_CONTENT_ANY, "any" },
	{ 0x8f, TH_FORM_NON_16, TH_CONTENT_ANY, "any" },
	{ 0x90, TH_FORM_OWN_CON, TH_CONTENT_ANY, "spelled" },
	{ 0x91, TH_FORM_OWN_NON, TH_CONTENT_ANY, "spelled" },
	{ 0x92, TH_FORM_ALL_CON, TH_CONTENT_ANY, "spelled" },
	{ 0x93, TH_FORM_ALL_NON, TH_CONTENT_ANY, "spelled" },
	{ 0x94, TH_FORM_ALL_ACK, TH_CONTENT_ANY, "spelled" },
	{ 0x95, TH_FORM_ALL_RST, TH_CONTENT_ANY, "spelled" },
};

const size_t th_compact_n_shapes = sizeof(th_compact_shapes) / sizeof(th_compact_shapes[0]);

const struct th_compact_shape *th_compact_shape_of(uint8_t first)
{
	for (size_t i = 0; i < th_compact_n_shapes; i++) {
		const struct th_compact_shape *s = &th_compact_shapes[i];

		if (first >= s->first && first - s->first < (th_compact_folds(s->content) ? 8 : 1))
			return s;
	}
	return NULL;
}

const struct th_compact_shape *th_compact_shape_for(unsigned form, unsigned content)
{
	for (size_t i = 0; i < th_compact_n_shapes; i++)
		if (th_compact_shapes[i].form == form && th_compact_shapes[i].content == content)
			return &th_compact_shapes[i];
	return NULL;
}
