/* Events as clients see them, their places, and their IDs. Those of a recording (corpus/recorded) were named by the
 * homeserver that made them; their places were found by trying (tools/model/records.py, places_of). The others were
 * made and named by Synapse 1.163 (make_event_from_dict, compute_content_hash), from which all of these IDs come back.
 */
#ifndef TH_UNIT_EVENT_VECTORS_H
#define TH_UNIT_EVENT_VECTORS_H

#include <stdint.h>

#include "codec/event_id.h"

/* IDs without their '$'. */
struct event_vector {
	const char *source;
	unsigned version; /* of the room */
	const char *room, *event;
	const char *auth[TH_EVENT_EDGES], *prev[TH_EVENT_EDGES];
	uint64_t depth, ts;
	const char *id;
};

static const struct event_vector event_vectors[] = {
	{ "nio-lagoon",
	  6,
	  "!HQNpdldgAFmMVswHSD:lagoon.example",
	  "{\"content\":{\"creator\":\"@pax:lagoon.example\",\"room_version\":\"6\"},\"event_id\":\"$wi"
	  "7yX2NaE_D4pVxxw4USZjNuxattaAfkzP5vyGTiPk4\",\"origin_server_ts\":1795912054062,\"sender\":\""
	  "@pax:lagoon.example\",\"state_key\":\"\",\"type\":\"m.room.create\"}",
	  { NULL },
	  { NULL },
	  1,
	  1795912054062,
	  "wi7yX2NaE_D4pVxxw4USZjNuxattaAfkzP5vyGTiPk4" },
	{ "nio-lagoon",
	  6,
	  "!HQNpdldgAFmMVswHSD:lagoon.example",
	  "{\"content\":{\"ban\":50,\"events\":{\"m.room.avatar\":50,\"m.room.canonical_alias\":50,\"m."
	  "room.encryption\":100,\"m.room.history_visibility\":100,\"m.room.name\":50,\"m.room.power_le"
	  "vels\":100,\"m.room.server_acl\":100,\"m.room.tombstone\":100},\"events_default\":0,\"histor"
	  "ical\":100,\"invite\":0,\"kick\":50,\"redact\":50,\"state_default\":50,\"users\":{\"@ildiko:"
	  "lagoon.example\":100,\"@ngozi:lagoon.example\":100,\"@pax:lagoon.example\":100},\"users_defa"
	  "ult\":0},\"event_id\":\"$P6ilVprRMq4QNIQeICVRiESovG_X9YGzMNqDnnSeX8o\",\"origin_server_ts\":"
	  "1795912054552,\"sender\":\"@pax:lagoon.example\",\"state_key\":\"\",\"type\":\"m.room.power_"
	  "levels\"}",
	  { "wi7yX2NaE_D4pVxxw4USZjNuxattaAfkzP5vyGTiPk4", "kHHJQrMdYlQsfxqdb0oQGG1wB1uZye5eHXVdL-Lrt8E" },
	  { "kHHJQrMdYlQsfxqdb0oQGG1wB1uZye5eHXVdL-Lrt8E" },
	  3,
	  1795912054552,
	  "P6ilVprRMq4QNIQeICVRiESovG_X9YGzMNqDnnSeX8o" },
	{ "nio-lagoon",
	  6,
	  "!HQNpdldgAFmMVswHSD:lagoon.example",
	  "{\"content\":{\"body\":\"oi gente\",\"msgtype\":\"m.text\"},\"event_id\":\"$yDGw3nTjVXqRXjnP"
	  "NNv-oQEUrBgbc_R-hoZ2l4Si-t0\",\"origin_server_ts\":1795912084973,\"sender\":\"@pax:lagoon.ex"
	  "ample\",\"type\":\"m.room.message\"}",
	  { "P6ilVprRMq4QNIQeICVRiESovG_X9YGzMNqDnnSeX8o", "wi7yX2NaE_D4pVxxw4USZjNuxattaAfkzP5vyGTiPk4",
	    "kHHJQrMdYlQsfxqdb0oQGG1wB1uZye5eHXVdL-Lrt8E" },
	  { "FAgxSnZ5etmGIlTbfmeqBez5Xtcg53rCs-EcxIyNJwc" },
	  22,
	  1795912084973,
	  "yDGw3nTjVXqRXjnPNNv-oQEUrBgbc_R-hoZ2l4Si-t0" },
	{ "nio-lagoon",
	  9,
	  "!NhNBCWWZGdaTWuChqE:lagoon.example",
	  "{\"content\":{\"creator\":\"@pax:lagoon.example\",\"room_version\":\"9\"},\"event_id\":\"$Eq"
	  "u8fmizRTr1Mbb_O-fCtcMLJwBzIbzYwaENAWcV5BY\",\"origin_server_ts\":1795912055838,\"sender\":\""
	  "@pax:lagoon.example\",\"state_key\":\"\",\"type\":\"m.room.create\"}",
	  { NULL },
	  { NULL },
	  1,
	  1795912055838,
	  "Equ8fmizRTr1Mbb_O-fCtcMLJwBzIbzYwaENAWcV5BY" },
	{ "nio-lagoon",
	  9,
	  "!NhNBCWWZGdaTWuChqE:lagoon.example",
	  "{\"content\":{\"displayname\":\"Ildik\303\263\",\"membership\":\"join\"},\"event_id\":\"$nRG"
	  "mcXaEej69xX5oDi7uKbGkso1O8bTO0IUBNGgDLoQ\",\"origin_server_ts\":1795912057362,\"sender\":\"@"
	  "ildiko:lagoon.example\",\"state_key\":\"@ildiko:lagoon.example\",\"type\":\"m.room.member\"}",
	  { "KdYLDeDS0Ex51s4ZSft1R68m0Sy0uneW7G-Vzax4ZKo", "Equ8fmizRTr1Mbb_O-fCtcMLJwBzIbzYwaENAWcV5BY",
	    "KbLEBwHnr1jJ7wY5HQR4evwsbtIxowmRTBuGxfeHmVA", "ArDvHsZwCS_4kfrnTgkOM60S9lKI_Stk1BeO8tMhUUM" },
	  { "V6j24o1CR-35P0EREMstuU18oK4dV9mpa6Tj3_zwXPU" },
	  12,
	  1795912057362,
	  "nRGmcXaEej69xX5oDi7uKbGkso1O8bTO0IUBNGgDLoQ" },
	{ "nio-lagoon",
	  9,
	  "!NhNBCWWZGdaTWuChqE:lagoon.example",
	  "{\"content\":{\"body\":\"im fine thx\",\"msgtype\":\"m.text\"},\"event_id\":\"$m5xJ3RUw_5VY1"
	  "Vtd3WTyCNUVabt28_yM-fBLD5gNREI\",\"origin_server_ts\":1795912082480,\"sender\":\"@ildiko:lag"
	  "oon.example\",\"type\":\"m.room.message\"}",
	  { "KdYLDeDS0Ex51s4ZSft1R68m0Sy0uneW7G-Vzax4ZKo", "Equ8fmizRTr1Mbb_O-fCtcMLJwBzIbzYwaENAWcV5BY",
	    "nRGmcXaEej69xX5oDi7uKbGkso1O8bTO0IUBNGgDLoQ" },
	  { "4d9gPXAfaEDpIbCFZnvnL8WVWL2M7CImmP6IyAFfexg" },
	  22,
	  1795912082480,
	  "m5xJ3RUw_5VY1Vtd3WTyCNUVabt28_yM-fBLD5gNREI" },
	{ "nio-kestrel",
	  10,
	  "!MPJGchrmjHCqeZLKNR:kestrel.example.org:8448",
	  "{\"content\":{\"creator\":\"@mareike:kestrel.example.org:8448\",\"room_version\":\"10\"},\"e"
	  "vent_id\":\"$I1GujQ0Zx1Jub7bePCE1_46wVfcbsXy5VZzS6vZTUEc\",\"origin_server_ts\":179591210245"
	  "5,\"sender\":\"@mareike:kestrel.example.org:8448\",\"state_key\":\"\",\"type\":\"m.room.crea"
	  "te\"}",
	  { NULL },
	  { NULL },
	  1,
	  1795912102455,
	  "I1GujQ0Zx1Jub7bePCE1_46wVfcbsXy5VZzS6vZTUEc" },
	{ "nio-kestrel",
	  10,
	  "!MPJGchrmjHCqeZLKNR:kestrel.example.org:8448",
	  "{\"content\":{\"displayname\":\"Rui B\",\"membership\":\"join\"},\"event_id\":\"$vjaMUVe_g0C"
	  "5Z-x6YZKTePDzAp32fS3DEM8QHjDRT0k\",\"origin_server_ts\":1795912103204,\"sender\":\"@rui-b:ke"
	  "strel.example.org:8448\",\"state_key\":\"@rui-b:kestrel.example.org:8448\",\"type\":\"m.room"
	  ".member\"}",
	  { "VA5io5pf6BIO0ybXv1Jhoa4E_g6aMPwbNi2yaYqk3JY", "dnkmhubJ_C3RfvVYJknF34sbzLdZYWtQigFTANq4jMw",
	    "I1GujQ0Zx1Jub7bePCE1_46wVfcbsXy5VZzS6vZTUEc", "Q-dxSGby_k5sZHRuM8cnSA6_7emPXX8aZl92rWlKgts" },
	  { "VA5io5pf6BIO0ybXv1Jhoa4E_g6aMPwbNi2yaYqk3JY" },
	  10,
	  1795912103204,
	  "vjaMUVe_g0C5Z-x6YZKTePDzAp32fS3DEM8QHjDRT0k" },
	{ "nio-kestrel",
	  10,
	  "!MPJGchrmjHCqeZLKNR:kestrel.example.org:8448",
	  "{\"content\":{\"ban\":50,\"events\":{\"m.room.avatar\":50,\"m.room.canonical_alias\":50,\"m."
	  "room.encryption\":100,\"m.room.history_visibility\":100,\"m.room.name\":50,\"m.room.power_le"
	  "vels\":100,\"m.room.server_acl\":100,\"m.room.tombstone\":100},\"events_default\":0,\"histor"
	  "ical\":100,\"invite\":0,\"kick\":50,\"redact\":50,\"state_default\":50,\"users\":{\"@mareike"
	  ":kestrel.example.org:8448\":100},\"users_default\":0},\"event_id\":\"$dnkmhubJ_C3RfvVYJknF34"
	  "sbzLdZYWtQigFTANq4jMw\",\"origin_server_ts\":1795912102721,\"sender\":\"@mareike:kestrel.exa"
	  "mple.org:8448\",\"state_key\":\"\",\"type\":\"m.room.power_levels\"}",
	  { "gh1jVQ-CgAl1mbgc8f91_mu9YOeWP7mYKi10SPNkBqE", "I1GujQ0Zx1Jub7bePCE1_46wVfcbsXy5VZzS6vZTUEc" },
	  { "gh1jVQ-CgAl1mbgc8f91_mu9YOeWP7mYKi10SPNkBqE" },
	  3,
	  1795912102721,
	  "dnkmhubJ_C3RfvVYJknF34sbzLdZYWtQigFTANq4jMw" },
	{ "nio-kestrel",
	  10,
	  "!MPJGchrmjHCqeZLKNR:kestrel.example.org:8448",
	  "{\"content\":{\"join_rule\":\"invite\"},\"event_id\":\"$Q-dxSGby_k5sZHRuM8cnSA6_7emPXX8aZl92"
	  "rWlKgts\",\"origin_server_ts\":1795912102740,\"sender\":\"@mareike:kestrel.example.org:8448"
	  "\",\"state_key\":\"\",\"type\":\"m.room.join_rules\"}",
	  { "gh1jVQ-CgAl1mbgc8f91_mu9YOeWP7mYKi10SPNkBqE", "dnkmhubJ_C3RfvVYJknF34sbzLdZYWtQigFTANq4jMw",
	    "I1GujQ0Zx1Jub7bePCE1_46wVfcbsXy5VZzS6vZTUEc" },
	  { "dnkmhubJ_C3RfvVYJknF34sbzLdZYWtQigFTANq4jMw" },
	  4,
	  1795912102740,
	  "Q-dxSGby_k5sZHRuM8cnSA6_7emPXX8aZl92rWlKgts" },
	{ "nio-kestrel",
	  10,
	  "!MPJGchrmjHCqeZLKNR:kestrel.example.org:8448",
	  "{\"content\":{\"history_visibility\":\"shared\"},\"event_id\":\"$NioBnjgVLZ4y_KZCiJn5LulluYe"
	  "0TWrQOlxbFqQc5F4\",\"origin_server_ts\":1795912102740,\"sender\":\"@mareike:kestrel.example."
	  "org:8448\",\"state_key\":\"\",\"type\":\"m.room.history_visibility\"}",
	  { "gh1jVQ-CgAl1mbgc8f91_mu9YOeWP7mYKi10SPNkBqE", "dnkmhubJ_C3RfvVYJknF34sbzLdZYWtQigFTANq4jMw",
	    "I1GujQ0Zx1Jub7bePCE1_46wVfcbsXy5VZzS6vZTUEc" },
	  { "Q-dxSGby_k5sZHRuM8cnSA6_7emPXX8aZl92rWlKgts" },
	  5,
	  1795912102740,
	  "NioBnjgVLZ4y_KZCiJn5LulluYe0TWrQOlxbFqQc5F4" },
	{ "nio-kestrel",
	  10,
	  "!MPJGchrmjHCqeZLKNR:kestrel.example.org:8448",
	  "{\"content\":{\"body\":\"\330\247\330\252\330\265\331\204 \330\250\330\243\331\205\331\203\\"
	  "n\331\203\331\212\331\201 \330\255\330\247\331\204\331\203\330\237\",\"msgtype\":\"m.text\"}"
	  ",\"event_id\":\"$NZdwyKkd37x6CC1vWEyCzvcRmiuwAYXGq53UQppffSs\",\"origin_server_ts\":17959121"
	  "07183,\"sender\":\"@rui-b:kestrel.example.org:8448\",\"type\":\"m.room.message\"}",
	  { "vjaMUVe_g0C5Z-x6YZKTePDzAp32fS3DEM8QHjDRT0k", "dnkmhubJ_C3RfvVYJknF34sbzLdZYWtQigFTANq4jMw",
	    "I1GujQ0Zx1Jub7bePCE1_46wVfcbsXy5VZzS6vZTUEc" },
	  { "vjaMUVe_g0C5Z-x6YZKTePDzAp32fS3DEM8QHjDRT0k" },
	  11,
	  1795912107183,
	  "NZdwyKkd37x6CC1vWEyCzvcRmiuwAYXGq53UQppffSs" },
	{ "web-fjordside",
	  11,
	  "!HLgMSckKzYervxYvFs:chat.fjordside.example",
	  "{\"content\":{\"room_version\":\"11\"},\"event_id\":\"$Z9-YpvPiT_OUPFqkhsi4gKWYB1VsQ7uUCRUcy"
	  "m9pJMs\",\"origin_server_ts\":1795912134720,\"sender\":\"@ludmila:chat.fjordside.example\","
	  "\"state_key\":\"\",\"type\":\"m.room.create\"}",
	  { NULL },
	  { NULL },
	  1,
	  1795912134720,
	  "Z9-YpvPiT_OUPFqkhsi4gKWYB1VsQ7uUCRUcym9pJMs" },
	{ "web-fjordside",
	  11,
	  "!HLgMSckKzYervxYvFs:chat.fjordside.example",
	  "{\"content\":{\"displayname\":\"okoro\",\"membership\":\"join\"},\"event_id\":\"$Kg-kWDGTJDv"
	  "_629V84uJNUYgvNqKbts4ETE5yvoLe60\",\"origin_server_ts\":1795912135721,\"sender\":\"@okoro:ch"
	  "at.fjordside.example\",\"state_key\":\"@okoro:chat.fjordside.example\",\"type\":\"m.room.mem"
	  "ber\"}",
	  { "mnlQ7ylwA4FnZVdONzhq4kmOT2cXuHTozMdBm0ht8ZE", "Z9-YpvPiT_OUPFqkhsi4gKWYB1VsQ7uUCRUcym9pJMs",
	    "ACmww0qSdn0-xTOQSkqSX2t8RN7C0nD05nRYJt6B-c8", "CVwtp17k6I4FPDwozl7PhHJu75_7RuHtBmoXC8kSJGg" },
	  { "ACmww0qSdn0-xTOQSkqSX2t8RN7C0nD05nRYJt6B-c8" },
	  9,
	  1795912135721,
	  "Kg-kWDGTJDv_629V84uJNUYgvNqKbts4ETE5yvoLe60" },
	{ "web-fjordside",
	  11,
	  "!HLgMSckKzYervxYvFs:chat.fjordside.example",
	  "{\"content\":{\"ban\":50,\"events\":{\"m.room.avatar\":50,\"m.room.canonical_alias\":50,\"m."
	  "room.encryption\":100,\"m.room.history_visibility\":100,\"m.room.name\":50,\"m.room.power_le"
	  "vels\":100,\"m.room.server_acl\":100,\"m.room.tombstone\":100},\"events_default\":0,\"histor"
	  "ical\":100,\"invite\":0,\"kick\":50,\"redact\":50,\"state_default\":50,\"users\":{\"@ludmila"
	  ":chat.fjordside.example\":100},\"users_default\":0},\"event_id\":\"$mnlQ7ylwA4FnZVdONzhq4kmO"
	  "T2cXuHTozMdBm0ht8ZE\",\"origin_server_ts\":1795912134921,\"sender\":\"@ludmila:chat.fjordsid"
	  "e.example\",\"state_key\":\"\",\"type\":\"m.room.power_levels\"}",
	  { "whsstK-TIF43dMZ_IKdFC3piQoXBCkJPbhONEajgbxc", "Z9-YpvPiT_OUPFqkhsi4gKWYB1VsQ7uUCRUcym9pJMs" },
	  { "whsstK-TIF43dMZ_IKdFC3piQoXBCkJPbhONEajgbxc" },
	  3,
	  1795912134921,
	  "mnlQ7ylwA4FnZVdONzhq4kmOT2cXuHTozMdBm0ht8ZE" },
	{ "web-fjordside",
	  11,
	  "!HLgMSckKzYervxYvFs:chat.fjordside.example",
	  "{\"content\":{\"join_rule\":\"invite\"},\"event_id\":\"$CVwtp17k6I4FPDwozl7PhHJu75_7RuHtBmoX"
	  "C8kSJGg\",\"origin_server_ts\":1795912134936,\"sender\":\"@ludmila:chat.fjordside.example\","
	  "\"state_key\":\"\",\"type\":\"m.room.join_rules\"}",
	  { "whsstK-TIF43dMZ_IKdFC3piQoXBCkJPbhONEajgbxc", "mnlQ7ylwA4FnZVdONzhq4kmOT2cXuHTozMdBm0ht8ZE",
	    "Z9-YpvPiT_OUPFqkhsi4gKWYB1VsQ7uUCRUcym9pJMs" },
	  { "mnlQ7ylwA4FnZVdONzhq4kmOT2cXuHTozMdBm0ht8ZE" },
	  4,
	  1795912134936,
	  "CVwtp17k6I4FPDwozl7PhHJu75_7RuHtBmoXC8kSJGg" },
	{ "web-fjordside",
	  11,
	  "!HLgMSckKzYervxYvFs:chat.fjordside.example",
	  "{\"content\":{\"history_visibility\":\"shared\"},\"event_id\":\"$xEQurW4zwdsxgX91p0HleXJGCZB"
	  "itWTy4EsyMz8gbq0\",\"origin_server_ts\":1795912134936,\"sender\":\"@ludmila:chat.fjordside.e"
	  "xample\",\"state_key\":\"\",\"type\":\"m.room.history_visibility\"}",
	  { "whsstK-TIF43dMZ_IKdFC3piQoXBCkJPbhONEajgbxc", "mnlQ7ylwA4FnZVdONzhq4kmOT2cXuHTozMdBm0ht8ZE",
	    "Z9-YpvPiT_OUPFqkhsi4gKWYB1VsQ7uUCRUcym9pJMs" },
	  { "CVwtp17k6I4FPDwozl7PhHJu75_7RuHtBmoXC8kSJGg" },
	  5,
	  1795912134936,
	  "xEQurW4zwdsxgX91p0HleXJGCZBitWTy4EsyMz8gbq0" },
	{ "web-fjordside",
	  11,
	  "!HLgMSckKzYervxYvFs:chat.fjordside.example",
	  "{\"content\":{\"body\":\"do jutra\",\"msgtype\":\"m.text\"},\"event_id\":\"$lsjAo69mFwN9l9DF"
	  "exxX5Vq4VG5nf6KhGMKGmPoIxio\",\"origin_server_ts\":1795912155394,\"sender\":\"@okoro:chat.fj"
	  "ordside.example\",\"type\":\"m.room.message\"}",
	  { "mnlQ7ylwA4FnZVdONzhq4kmOT2cXuHTozMdBm0ht8ZE", "Z9-YpvPiT_OUPFqkhsi4gKWYB1VsQ7uUCRUcym9pJMs",
	    "Kg-kWDGTJDv_629V84uJNUYgvNqKbts4ETE5yvoLe60" },
	  { "5diffbi7ygDImZHImUeISVLJfPpFByRTpDwPrrW80nE" },
	  25,
	  1795912155394,
	  "lsjAo69mFwN9l9DFexxX5Vq4VG5nf6KhGMKGmPoIxio" },
	{ "web-fjordside",
	  11,
	  "!HLgMSckKzYervxYvFs:chat.fjordside.example",
	  "{\"content\":{\"redacts\":\"$3INEuKnS5xRvIUJSBhku8gdCKj_wmshW8dwjWyeZngA\"},\"event_id\":\"$"
	  "JvXHc1tLCg6t0mI_PvJIosCa-fLf-UiUz5XrRIcsp-E\",\"origin_server_ts\":1795912139329,\"redacts\""
	  ":\"$3INEuKnS5xRvIUJSBhku8gdCKj_wmshW8dwjWyeZngA\",\"sender\":\"@ludmila:chat.fjordside.examp"
	  "le\",\"type\":\"m.room.redaction\"}",
	  { "whsstK-TIF43dMZ_IKdFC3piQoXBCkJPbhONEajgbxc", "mnlQ7ylwA4FnZVdONzhq4kmOT2cXuHTozMdBm0ht8ZE",
	    "Z9-YpvPiT_OUPFqkhsi4gKWYB1VsQ7uUCRUcym9pJMs" },
	  { "3r-oAJtOhKB--TPkyFPbwbq9q6qhh0tSIA0JXS_ML_w" },
	  12,
	  1795912139329,
	  "JvXHc1tLCg6t0mI_PvJIosCa-fLf-UiUz5XrRIcsp-E" },
	{ "js-sdk",
	  12,
	  "!OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI",
	  "{\"content\":{\"room_version\":\"12\"},\"event_id\":\"$OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16Mm"
	  "lmjjEI\",\"origin_server_ts\":1795426327595,\"sender\":\"@greta:maple.example\",\"state_key"
	  "\":\"\",\"type\":\"m.room.create\"}",
	  { NULL },
	  { NULL },
	  1,
	  1795426327595,
	  "OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI" },
	{ "js-sdk",
	  12,
	  "!OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI",
	  "{\"content\":{\"displayname\":\"Hannes K.\",\"membership\":\"join\"},\"event_id\":\"$8FVJLq7"
	  "CzXJ2-eQaLKlXQBk4fSsH8QCv_l5HIVJkuxI\",\"origin_server_ts\":1795426327966,\"sender\":\"@hann"
	  "es.k:maple.example\",\"state_key\":\"@hannes.k:maple.example\",\"type\":\"m.room.member\"}",
	  { "CfwCXzN6h_OlYEte7nEdP-RAb6baLjd_VB7KSI2iNWI", "EGIliI5nUJhbW286GyTtyhnmcu8fMJ9h1t2q34zrHtU",
	    "TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc" },
	  { "EGIliI5nUJhbW286GyTtyhnmcu8fMJ9h1t2q34zrHtU" },
	  10,
	  1795426327966,
	  "8FVJLq7CzXJ2-eQaLKlXQBk4fSsH8QCv_l5HIVJkuxI" },
	{ "js-sdk",
	  12,
	  "!OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI",
	  "{\"content\":{\"ban\":50,\"events\":{\"m.room.avatar\":50,\"m.room.canonical_alias\":50,\"m."
	  "room.encryption\":100,\"m.room.history_visibility\":100,\"m.room.name\":50,\"m.room.power_le"
	  "vels\":100,\"m.room.server_acl\":100,\"m.room.tombstone\":150},\"events_default\":0,\"histor"
	  "ical\":100,\"invite\":0,\"kick\":50,\"redact\":50,\"state_default\":50,\"users\":{},\"users_"
	  "default\":0},\"event_id\":\"$TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc\",\"origin_server_t"
	  "s\":1795426327687,\"sender\":\"@greta:maple.example\",\"state_key\":\"\",\"type\":\"m.room.p"
	  "ower_levels\"}",
	  { "SjFXbtUNDv2UIlAjaLSKe_vwEKGraxC3fdp0M1frQtQ" },
	  { "SjFXbtUNDv2UIlAjaLSKe_vwEKGraxC3fdp0M1frQtQ" },
	  3,
	  1795426327687,
	  "TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc" },
	{ "js-sdk",
	  12,
	  "!OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI",
	  "{\"content\":{\"join_rule\":\"invite\"},\"event_id\":\"$CfwCXzN6h_OlYEte7nEdP-RAb6baLjd_VB7K"
	  "SI2iNWI\",\"origin_server_ts\":1795426327704,\"sender\":\"@greta:maple.example\",\"state_key"
	  "\":\"\",\"type\":\"m.room.join_rules\"}",
	  { "SjFXbtUNDv2UIlAjaLSKe_vwEKGraxC3fdp0M1frQtQ", "TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc" },
	  { "TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc" },
	  4,
	  1795426327704,
	  "CfwCXzN6h_OlYEte7nEdP-RAb6baLjd_VB7KSI2iNWI" },
	{ "js-sdk",
	  12,
	  "!OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI",
	  "{\"content\":{\"history_visibility\":\"shared\"},\"event_id\":\"$1XXPBRkcRFvYEbJ_eLfN19X6byY"
	  "3H94ktjcP0UegVHY\",\"origin_server_ts\":1795426327705,\"sender\":\"@greta:maple.example\",\""
	  "state_key\":\"\",\"type\":\"m.room.history_visibility\"}",
	  { "SjFXbtUNDv2UIlAjaLSKe_vwEKGraxC3fdp0M1frQtQ", "TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc" },
	  { "CfwCXzN6h_OlYEte7nEdP-RAb6baLjd_VB7KSI2iNWI" },
	  5,
	  1795426327705,
	  "1XXPBRkcRFvYEbJ_eLfN19X6byY3H94ktjcP0UegVHY" },
	{ "js-sdk",
	  12,
	  "!OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI",
	  "{\"content\":{\"body\":\"great!\",\"msgtype\":\"m.text\"},\"event_id\":\"$EcuN5OJmOPfBEyN6SO"
	  "AyYgwf2VkrtmWwEVKuDM-PRZU\",\"origin_server_ts\":1795426337258,\"sender\":\"@greta:maple.exa"
	  "mple\",\"type\":\"m.room.message\"}",
	  { "SjFXbtUNDv2UIlAjaLSKe_vwEKGraxC3fdp0M1frQtQ", "TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc" },
	  { "yH8MeHP0tqtYVYzg798-zrCcnCR_I9wteQE8pSgvY6I" },
	  29,
	  1795426337258,
	  "EcuN5OJmOPfBEyN6SOAyYgwf2VkrtmWwEVKuDM-PRZU" },
	{ "js-sdk",
	  12,
	  "!OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI",
	  "{\"content\":{\"reason\":\"oops\",\"redacts\":\"$L8UEWnRbM_fZgtxTp9e6oE6Jkzidka61q78Dt-jRl0U"
	  "\"},\"event_id\":\"$COk0qXwK8mHI-sTkUCEHd4K9fPyop0sr9W3Qiucz-sM\",\"origin_server_ts\":17954"
	  "26341799,\"redacts\":\"$L8UEWnRbM_fZgtxTp9e6oE6Jkzidka61q78Dt-jRl0U\",\"sender\":\"@hannes.k"
	  ":maple.example\",\"type\":\"m.room.redaction\"}",
	  { "8FVJLq7CzXJ2-eQaLKlXQBk4fSsH8QCv_l5HIVJkuxI", "TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc" },
	  { "L8UEWnRbM_fZgtxTp9e6oE6Jkzidka61q78Dt-jRl0U" },
	  39,
	  1795426341799,
	  "COk0qXwK8mHI-sTkUCEHd4K9fPyop0sr9W3Qiucz-sM" },
	{ "js-sdk",
	  12,
	  "!OzQBQMDT8sCuTCFBzToFXfZqAuJ-SF6ZR16MmlmjjEI",
	  "{\"content\":{\"m.relates_to\":{\"event_id\":\"$NlgCVQx5s83Fp5i3W0Ugj0SlvRcFrAulUIXwRnYZUQU"
	  "\",\"key\":\"\360\237\221\215\",\"rel_type\":\"m.annotation\"}},\"event_id\":\"$szcYzuC0vehC"
	  "gIPVQ1dnjE6FssR-WE13U8cJrQyLvYQ\",\"origin_server_ts\":1795426333232,\"sender\":\"@greta:map"
	  "le.example\",\"type\":\"m.reaction\"}",
	  { "SjFXbtUNDv2UIlAjaLSKe_vwEKGraxC3fdp0M1frQtQ", "TRvUvlsV1J8rClC0bv6_7ULLIZXxFiWQbgzPFDl0wKc" },
	  { "8tgyGc_o3i0GUE2AzMuejqI81UsorSFKhwwUARglDnE" },
	  20,
	  1795426333232,
	  "szcYzuC0vehCgIPVQ1dnjE6FssR-WE13U8cJrQyLvYQ" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.member\",\"sender\":\"@bob:b.example\",\"state_key\":\"@bob:b.example\","
	  "\"origin_server_ts\":1700000000001,\"content\":{\"membership\":\"join\",\"displayname\":\"B"
	  "\\u00f6b \\u201c\\ud83d\\ude00\\u201d \\\\ / \\u007f\\b\\f\\n\\r\\t\\u0001\\u001f\",\"join_a"
	  "uthorised_via_users_server\":\"@al:a.example\",\"reason\":\"x\"},\"event_id\":\"$ux5vBbdv_su"
	  "ob4V3ZaNuNMdOgRtfDwOMeT9RDcJlVVg\",\"room_id\":\"!OGEhHVWSdvArJzumhm:matrix.org\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8",
	    "RTnktIiQecKgCv6uC_wUOYQO8jeaH7gci6JzYa1HbWs" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  20,
	  1700000000001,
	  "ux5vBbdv_suob4V3ZaNuNMdOgRtfDwOMeT9RDcJlVVg" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.redaction\",\"sender\":\"@al:a.example\",\"origin_server_ts\":17000000000"
	  "02,\"redacts\":\"$Q7sA0M53kKU7kSVrNwyIeyR5GlU5pvv7cMWHDoyRrl0\",\"content\":{\"reason\":\"go"
	  "ne\"},\"event_id\":\"$8072mW1QKyRoaYfEcpEr0my4MFSw6BsNb8lLGWPsgP4\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA", "9kVR_NbweCPLh5cc-5FEZCXaGChrOrHvk14MvXpp9oo" },
	  21,
	  1700000000002,
	  "8072mW1QKyRoaYfEcpEr0my4MFSw6BsNb8lLGWPsgP4" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.power_levels\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"origin_s"
	  "erver_ts\":1,\"content\":{\"users\":{\"@z:z\":1,\"@al:a.example\":100,\"@b:b\":-1},\"users_d"
	  "efault\":0,\"events\":{\"m.b\":5,\"m.a\":6},\"events_default\":0,\"state_default\":50,\"ban"
	  "\":50,\"kick\":50,\"redact\":50,\"invite\":0,\"historical\":100,\"notifications\":{\"room\":"
	  "50}},\"event_id\":\"$gPU6fjD3Jkup31rAWbpn60p6AmpI23Q8_Br-Hz_DJV8\",\"room_id\":\"!OGEhHVWSdv"
	  "ArJzumhm:matrix.org\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA", "9kVR_NbweCPLh5cc-5FEZCXaGChrOrHvk14MvXpp9oo",
	    "OUbKZP942TymEJCkN8u2s9LKDUiPX5zPMFlgg2iydpM", "Q7sA0M53kKU7kSVrNwyIeyR5GlU5pvv7cMWHDoyRrl0",
	    "q3H8TIocTWK5ICs27nwH3TmKCQejcDe9jDlZ1q9XNgg", "U2w1GuFeX149w3vMXeqKtkHnD8BDGgiKHWhK7y6_Pls",
	    "fQh6LiEsEQ6FHHtv3ChTpB59sWkL7vepwRs6Ju536FM", "A_vTbAWFa8pZawvLRGb08w8BGaQb4rn86_px1oF4sRY" },
	  999999999999999,
	  1,
	  "gPU6fjD3Jkup31rAWbpn60p6AmpI23Q8_Br-Hz_DJV8" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.message\",\"sender\":\"@al:a.example\",\"origin_server_ts\":0,\"content\""
	  ":{},\"event_id\":\"$c2vccbdczr0_DbYPE7Y12f6Zu-lVc94t5TuKIwxPUwM\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8",
	    "RTnktIiQecKgCv6uC_wUOYQO8jeaH7gci6JzYa1HbWs", "ZiIOcVkbLZM8DpNcE46_1gcQuR_i-3WZ7O1EMLPbs8k",
	    "cwvqT_FvIA-5MbBsrgil2o4nmBN3XX7YHmgLSneUb-E", "IDd87J9R9r9bofpkZJ87FhTk7ugz_Q_FiT8k9uCsy68" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  22,
	  0,
	  "c2vccbdczr0_DbYPE7Y12f6Zu-lVc94t5TuKIwxPUwM" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.message\",\"sender\":\"@al:a.example\",\"origin_server_ts\":9999999999999"
	  "99,\"content\":{\"b\":[],\"a\":[{},[[1,-2,true,false,null]],{\"z\":\"\",\"y\":{\"x\":\"\342"
	  "\200\250\364\217\277\277\"}}],\"\":\"\",\"\303\251\":1,\"e\":2,\"~\":3},\"event_id\":\"$wSNy"
	  "tUz2EzM1Lt2yWPUEf4c5g7RSCW0robp2tNHyY6c\",\"room_id\":\"!OGEhHVWSdvArJzumhm:matrix.org\"}",
	  { NULL },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  23,
	  999999999999999,
	  "wSNytUz2EzM1Lt2yWPUEf4c5g7RSCW0robp2tNHyY6c" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.join_rules\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"origin_ser"
	  "ver_ts\":5,\"content\":{\"join_rule\":\"restricted\",\"allow\":[{\"type\":\"m.room_membershi"
	  "p\",\"room_id\":\"!x:y\"}],\"extra\":1},\"event_id\":\"$NZP-LY9nvCqoGOd92dU3He4QAY3TRyveeLNI"
	  "7AleSA4\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  24,
	  5,
	  "NZP-LY9nvCqoGOd92dU3He4QAY3TRyveeLNI7AleSA4" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.history_visibility\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"or"
	  "igin_server_ts\":6,\"content\":{\"history_visibility\":\"shared\",\"extra\":1},\"event_id\":"
	  "\"$ipbdBxdll0-um6H24sA06k1FEigMIVXKIgZeGfXf73I\",\"room_id\":\"!OGEhHVWSdvArJzumhm:matrix.or"
	  "g\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  25,
	  6,
	  "ipbdBxdll0-um6H24sA06k1FEigMIVXKIgZeGfXf73I" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.member\",\"state_key\":\"@c:c\",\"sender\":\"@al:a.example\",\"origin_ser"
	  "ver_ts\":7,\"content\":{\"membership\":\"invite\",\"is_direct\":true},\"event_id\":\"$hAuoUG"
	  "EbBWsiCEiHThCHKzDcPnx1FFYnrdsKLTdiZgI\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  26,
	  7,
	  "hAuoUGEbBWsiCEiHThCHKzDcPnx1FFYnrdsKLTdiZgI" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.create\",\"state_key\":\"x\",\"sender\":\"@al:a.example\",\"origin_server"
	  "_ts\":8,\"content\":{\"room_version\":\"10\",\"creator\":\"@al:a.example\"},\"event_id\":\"$"
	  "lvolzq346pV9Gy-rMUUmtwNnSylwYApasEBeO86Akak\",\"room_id\":\"!OGEhHVWSdvArJzumhm:matrix.org\""
	  "}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  27,
	  8,
	  "lvolzq346pV9Gy-rMUUmtwNnSylwYApasEBeO86Akak" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.aliases\",\"state_key\":\"a.example\",\"sender\":\"@al:a.example\",\"orig"
	  "in_server_ts\":9,\"content\":{\"aliases\":[\"#a:a.example\"]},\"event_id\":\"$e21ZhnIt9TO2-C"
	  "NUmqK-ekig_-sOR8nWMLyMQomMryw\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  28,
	  9,
	  "e21ZhnIt9TO2-CNUmqK-ekig_-sOR8nWMLyMQomMryw" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.member\",\"sender\":\"@bob:b.example\",\"state_key\":\"@bob:b.example\","
	  "\"origin_server_ts\":1700000000001,\"content\":{\"membership\":\"join\",\"displayname\":\"B"
	  "\\u00f6b \\u201c\\ud83d\\ude00\\u201d \\\\ / \\u007f\\b\\f\\n\\r\\t\\u0001\\u001f\",\"join_a"
	  "uthorised_via_users_server\":\"@al:a.example\",\"reason\":\"x\"},\"event_id\":\"$ux5vBbdv_su"
	  "ob4V3ZaNuNMdOgRtfDwOMeT9RDcJlVVg\",\"room_id\":\"!OGEhHVWSdvArJzumhm:matrix.org\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8",
	    "RTnktIiQecKgCv6uC_wUOYQO8jeaH7gci6JzYa1HbWs" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  20,
	  1700000000001,
	  "ux5vBbdv_suob4V3ZaNuNMdOgRtfDwOMeT9RDcJlVVg" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.redaction\",\"sender\":\"@al:a.example\",\"origin_server_ts\":17000000000"
	  "02,\"content\":{\"redacts\":\"$Q7sA0M53kKU7kSVrNwyIeyR5GlU5pvv7cMWHDoyRrl0\",\"reason\":\"go"
	  "ne\"},\"redacts\":\"$Q7sA0M53kKU7kSVrNwyIeyR5GlU5pvv7cMWHDoyRrl0\",\"event_id\":\"$9NV6DXzSu"
	  "Yyz35LvbDP7tmp56wjnNFLrhE-W-mX1CuM\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA", "9kVR_NbweCPLh5cc-5FEZCXaGChrOrHvk14MvXpp9oo" },
	  21,
	  1700000000002,
	  "9NV6DXzSuYyz35LvbDP7tmp56wjnNFLrhE-W-mX1CuM" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.power_levels\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"origin_s"
	  "erver_ts\":1,\"content\":{\"users\":{\"@z:z\":1,\"@al:a.example\":100,\"@b:b\":-1},\"users_d"
	  "efault\":0,\"events\":{\"m.b\":5,\"m.a\":6},\"events_default\":0,\"state_default\":50,\"ban"
	  "\":50,\"kick\":50,\"redact\":50,\"invite\":0,\"historical\":100,\"notifications\":{\"room\":"
	  "50}},\"event_id\":\"$zq2ssuqYxn0O3tIrDSKffO-gVkkwCpOBMC3366FrsOM\",\"room_id\":\"!OGEhHVWSdv"
	  "ArJzumhm:matrix.org\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA", "9kVR_NbweCPLh5cc-5FEZCXaGChrOrHvk14MvXpp9oo",
	    "OUbKZP942TymEJCkN8u2s9LKDUiPX5zPMFlgg2iydpM", "Q7sA0M53kKU7kSVrNwyIeyR5GlU5pvv7cMWHDoyRrl0",
	    "q3H8TIocTWK5ICs27nwH3TmKCQejcDe9jDlZ1q9XNgg", "U2w1GuFeX149w3vMXeqKtkHnD8BDGgiKHWhK7y6_Pls",
	    "fQh6LiEsEQ6FHHtv3ChTpB59sWkL7vepwRs6Ju536FM", "A_vTbAWFa8pZawvLRGb08w8BGaQb4rn86_px1oF4sRY" },
	  999999999999999,
	  1,
	  "zq2ssuqYxn0O3tIrDSKffO-gVkkwCpOBMC3366FrsOM" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.message\",\"sender\":\"@al:a.example\",\"origin_server_ts\":0,\"content\""
	  ":{},\"event_id\":\"$c2vccbdczr0_DbYPE7Y12f6Zu-lVc94t5TuKIwxPUwM\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8",
	    "RTnktIiQecKgCv6uC_wUOYQO8jeaH7gci6JzYa1HbWs", "ZiIOcVkbLZM8DpNcE46_1gcQuR_i-3WZ7O1EMLPbs8k",
	    "cwvqT_FvIA-5MbBsrgil2o4nmBN3XX7YHmgLSneUb-E", "IDd87J9R9r9bofpkZJ87FhTk7ugz_Q_FiT8k9uCsy68" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  22,
	  0,
	  "c2vccbdczr0_DbYPE7Y12f6Zu-lVc94t5TuKIwxPUwM" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.message\",\"sender\":\"@al:a.example\",\"origin_server_ts\":9999999999999"
	  "99,\"content\":{\"b\":[],\"a\":[{},[[1,-2,true,false,null]],{\"z\":\"\",\"y\":{\"x\":\"\342"
	  "\200\250\364\217\277\277\"}}],\"\":\"\",\"\303\251\":1,\"e\":2,\"~\":3},\"event_id\":\"$wSNy"
	  "tUz2EzM1Lt2yWPUEf4c5g7RSCW0robp2tNHyY6c\",\"room_id\":\"!OGEhHVWSdvArJzumhm:matrix.org\"}",
	  { NULL },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  23,
	  999999999999999,
	  "wSNytUz2EzM1Lt2yWPUEf4c5g7RSCW0robp2tNHyY6c" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.join_rules\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"origin_ser"
	  "ver_ts\":5,\"content\":{\"join_rule\":\"restricted\",\"allow\":[{\"type\":\"m.room_membershi"
	  "p\",\"room_id\":\"!x:y\"}],\"extra\":1},\"event_id\":\"$NZP-LY9nvCqoGOd92dU3He4QAY3TRyveeLNI"
	  "7AleSA4\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  24,
	  5,
	  "NZP-LY9nvCqoGOd92dU3He4QAY3TRyveeLNI7AleSA4" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.history_visibility\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"or"
	  "igin_server_ts\":6,\"content\":{\"history_visibility\":\"shared\",\"extra\":1},\"event_id\":"
	  "\"$ipbdBxdll0-um6H24sA06k1FEigMIVXKIgZeGfXf73I\",\"room_id\":\"!OGEhHVWSdvArJzumhm:matrix.or"
	  "g\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  25,
	  6,
	  "ipbdBxdll0-um6H24sA06k1FEigMIVXKIgZeGfXf73I" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.member\",\"state_key\":\"@c:c\",\"sender\":\"@al:a.example\",\"origin_ser"
	  "ver_ts\":7,\"content\":{\"membership\":\"invite\",\"is_direct\":true},\"event_id\":\"$hAuoUG"
	  "EbBWsiCEiHThCHKzDcPnx1FFYnrdsKLTdiZgI\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  26,
	  7,
	  "hAuoUGEbBWsiCEiHThCHKzDcPnx1FFYnrdsKLTdiZgI" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.create\",\"state_key\":\"x\",\"sender\":\"@al:a.example\",\"origin_server"
	  "_ts\":8,\"content\":{\"room_version\":\"11\",\"creator\":\"@al:a.example\"},\"event_id\":\"$"
	  "nT8jbU5EWSFO4iShRemPSvGvT0LtVjNo-gYijghUxlw\",\"room_id\":\"!OGEhHVWSdvArJzumhm:matrix.org\""
	  "}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  27,
	  8,
	  "nT8jbU5EWSFO4iShRemPSvGvT0LtVjNo-gYijghUxlw" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.aliases\",\"state_key\":\"a.example\",\"sender\":\"@al:a.example\",\"orig"
	  "in_server_ts\":9,\"content\":{\"aliases\":[\"#a:a.example\"]},\"event_id\":\"$e21ZhnIt9TO2-C"
	  "NUmqK-ekig_-sOR8nWMLyMQomMryw\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  28,
	  9,
	  "e21ZhnIt9TO2-CNUmqK-ekig_-sOR8nWMLyMQomMryw" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.member\",\"sender\":\"@bob:b.example\",\"state_key\":\"@bob:b.example\","
	  "\"origin_server_ts\":1700000000001,\"content\":{\"membership\":\"join\",\"displayname\":\"B"
	  "\\u00f6b \\u201c\\ud83d\\ude00\\u201d \\\\ / \\u007f\\b\\f\\n\\r\\t\\u0001\\u001f\",\"join_a"
	  "uthorised_via_users_server\":\"@al:a.example\",\"reason\":\"x\"},\"event_id\":\"$-x4MRzoTbQm"
	  "YZTsE800LwzaIKiYkviP4cCnf6Psy9O0\",\"room_id\":\"!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MT"
	  "I\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8",
	    "RTnktIiQecKgCv6uC_wUOYQO8jeaH7gci6JzYa1HbWs" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  20,
	  1700000000001,
	  "-x4MRzoTbQmYZTsE800LwzaIKiYkviP4cCnf6Psy9O0" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.redaction\",\"sender\":\"@al:a.example\",\"origin_server_ts\":17000000000"
	  "02,\"content\":{\"redacts\":\"$Q7sA0M53kKU7kSVrNwyIeyR5GlU5pvv7cMWHDoyRrl0\",\"reason\":\"go"
	  "ne\"},\"redacts\":\"$Q7sA0M53kKU7kSVrNwyIeyR5GlU5pvv7cMWHDoyRrl0\",\"event_id\":\"$5VX0gT1Yb"
	  "KxeEgii3DuUF_AqidGmRCfZA_dst7k8lPM\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA", "9kVR_NbweCPLh5cc-5FEZCXaGChrOrHvk14MvXpp9oo" },
	  21,
	  1700000000002,
	  "5VX0gT1YbKxeEgii3DuUF_AqidGmRCfZA_dst7k8lPM" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.power_levels\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"origin_s"
	  "erver_ts\":1,\"content\":{\"users\":{\"@z:z\":1,\"@al:a.example\":100,\"@b:b\":-1},\"users_d"
	  "efault\":0,\"events\":{\"m.b\":5,\"m.a\":6},\"events_default\":0,\"state_default\":50,\"ban"
	  "\":50,\"kick\":50,\"redact\":50,\"invite\":0,\"historical\":100,\"notifications\":{\"room\":"
	  "50}},\"event_id\":\"$JD7RHYdZqPXp6kFXj_Hc-iB2NsIwJOhqj35Fy6DCiiQ\",\"room_id\":\"!HxxbL613hD"
	  "QCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA", "9kVR_NbweCPLh5cc-5FEZCXaGChrOrHvk14MvXpp9oo",
	    "OUbKZP942TymEJCkN8u2s9LKDUiPX5zPMFlgg2iydpM", "Q7sA0M53kKU7kSVrNwyIeyR5GlU5pvv7cMWHDoyRrl0",
	    "q3H8TIocTWK5ICs27nwH3TmKCQejcDe9jDlZ1q9XNgg", "U2w1GuFeX149w3vMXeqKtkHnD8BDGgiKHWhK7y6_Pls",
	    "fQh6LiEsEQ6FHHtv3ChTpB59sWkL7vepwRs6Ju536FM", "A_vTbAWFa8pZawvLRGb08w8BGaQb4rn86_px1oF4sRY" },
	  999999999999999,
	  1,
	  "JD7RHYdZqPXp6kFXj_Hc-iB2NsIwJOhqj35Fy6DCiiQ" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.message\",\"sender\":\"@al:a.example\",\"origin_server_ts\":0,\"content\""
	  ":{},\"event_id\":\"$4qNY-ONPJeXujBjKAPlWLUoSN8pksNzOeJOPZQxzMeE\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8",
	    "RTnktIiQecKgCv6uC_wUOYQO8jeaH7gci6JzYa1HbWs", "ZiIOcVkbLZM8DpNcE46_1gcQuR_i-3WZ7O1EMLPbs8k",
	    "cwvqT_FvIA-5MbBsrgil2o4nmBN3XX7YHmgLSneUb-E", "IDd87J9R9r9bofpkZJ87FhTk7ugz_Q_FiT8k9uCsy68" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  22,
	  0,
	  "4qNY-ONPJeXujBjKAPlWLUoSN8pksNzOeJOPZQxzMeE" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.message\",\"sender\":\"@al:a.example\",\"origin_server_ts\":9999999999999"
	  "99,\"content\":{\"b\":[],\"a\":[{},[[1,-2,true,false,null]],{\"z\":\"\",\"y\":{\"x\":\"\342"
	  "\200\250\364\217\277\277\"}}],\"\":\"\",\"\303\251\":1,\"e\":2,\"~\":3},\"event_id\":\"$_U_M"
	  "O6yaSNqfx3mNCTYCjfwCE7W4NSAIxUEjkP9vq8c\",\"room_id\":\"!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8"
	  "iZTt8MTI\"}",
	  { NULL },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  23,
	  999999999999999,
	  "_U_MO6yaSNqfx3mNCTYCjfwCE7W4NSAIxUEjkP9vq8c" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.join_rules\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"origin_ser"
	  "ver_ts\":5,\"content\":{\"join_rule\":\"restricted\",\"allow\":[{\"type\":\"m.room_membershi"
	  "p\",\"room_id\":\"!x:y\"}],\"extra\":1},\"event_id\":\"$ZvSMGE8ULOHfrmSTUbxlWRQwa8h0tFzzJgWA"
	  "N6IR29o\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  24,
	  5,
	  "ZvSMGE8ULOHfrmSTUbxlWRQwa8h0tFzzJgWAN6IR29o" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.history_visibility\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"or"
	  "igin_server_ts\":6,\"content\":{\"history_visibility\":\"shared\",\"extra\":1},\"event_id\":"
	  "\"$tCAx9PNJI99BMjnMLMns_eeqENTy3qi0rErl_OUTVIw\",\"room_id\":\"!HxxbL613hDQCTxU3mGNGknkX9HVa"
	  "bn0_2R8iZTt8MTI\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  25,
	  6,
	  "tCAx9PNJI99BMjnMLMns_eeqENTy3qi0rErl_OUTVIw" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.member\",\"state_key\":\"@c:c\",\"sender\":\"@al:a.example\",\"origin_ser"
	  "ver_ts\":7,\"content\":{\"membership\":\"invite\",\"is_direct\":true},\"event_id\":\"$gKzCjk"
	  "jsQVZ1YDihQ1n4hbe_jKYbda1LIcdLyWnmHKA\"}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  26,
	  7,
	  "gKzCjkjsQVZ1YDihQ1n4hbe_jKYbda1LIcdLyWnmHKA" },
	{ "Synapse",
	  12,
	  "!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI",
	  "{\"type\":\"m.room.aliases\",\"state_key\":\"a.example\",\"sender\":\"@al:a.example\",\"orig"
	  "in_server_ts\":9,\"content\":{\"aliases\":[\"#a:a.example\"]},\"event_id\":\"$9S14th-KyK-16-"
	  "V-RxG6jmpQz9C0yjZswQ_Tq30XbnA\",\"room_id\":\"!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI\""
	  "}",
	  { "ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4", "9V_xb2b0M2Ama5Xbb4_sAddgMQVDBq5KSzgFmPbP0RQ",
	    "LDpCSddwcAWGSdvYItyveVdYb85CjPssqIuUdB7aiwc", "9G3SilSZ2O_vC4-47h7BxaXkB8k4F0HVdrqN609Z7D8" },
	  { "Fptbgjxitkyn5fhFahPI1dBvTs5SKli8K4p4Tc82CbA" },
	  28,
	  9,
	  "9S14th-KyK-16-V-RxG6jmpQz9C0yjZswQ_Tq30XbnA" },
	{ "Synapse",
	  11,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.create\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"origin_server_"
	  "ts\":10,\"content\":{\"room_version\":\"11\",\"m.federate\":false,\"type\":\"m.space\",\"pre"
	  "decessor\":{\"room_id\":\"!a:b\",\"event_id\":\"$ThGV3wIN5Z4NZaM6QnnxGD565OXZgOMJ-LVa3_LmHD4"
	  "\"}},\"event_id\":\"$De1MD4NJHXO8Ip8r8SmZLIEyOxwxh11cUgQZ8HgkYAg\"}",
	  { NULL },
	  { NULL },
	  1,
	  10,
	  "De1MD4NJHXO8Ip8r8SmZLIEyOxwxh11cUgQZ8HgkYAg" },
	{ "Synapse",
	  10,
	  "!OGEhHVWSdvArJzumhm:matrix.org",
	  "{\"type\":\"m.room.create\",\"state_key\":\"\",\"sender\":\"@al:a.example\",\"origin_server_"
	  "ts\":10,\"content\":{\"room_version\":\"10\",\"creator\":\"@al:a.example\",\"m.federate\":fa"
	  "lse},\"event_id\":\"$hayJY_CRyGgwmbOwwPJzSG9NeUF-WroHxWoXVNAflLg\",\"room_id\":\"!OGEhHVWSdv"
	  "ArJzumhm:matrix.org\"}",
	  { NULL },
	  { NULL },
	  1,
	  10,
	  "hayJY_CRyGgwmbOwwPJzSG9NeUF-WroHxWoXVNAflLg" },
};

#endif
