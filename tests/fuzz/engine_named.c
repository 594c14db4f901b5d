/* engine.c for an engine whose messages a layer below names. */
#define NAMED true
#include "engine.c"
