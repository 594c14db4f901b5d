/* A daemon under test: the real binary as a child, its output in a file, every wait bounded. */
#ifndef TH_TESTS_DAEMON_PROGRAM_H
#define TH_TESTS_DAEMON_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROGRAM_OUTPUT = 64 * 1024, PROGRAM_PATIENCE_MS = 10000 };

struct program {
	pid_t pid;    /* 0 when it has ended */
	bool journal; /* set before the start: its output counts as systemd's journal */
	bool dumped;  /* it has ended, and the system took its memory for a core dump */
	int fd;	      /* its output, stdout and stderr together */
	char output[PROGRAM_OUTPUT];
};

/* `path` of the binary, set by main. */
extern const char *program_path;

/* args end with NULL; the program's name is not among them. */
void program_start(struct program *p, const char *const *args);

/* Waits until the output holds `text` after offset `from`; fails the test when it does not come. Returns the offset
 * after it. */
size_t program_wait_output(struct program *p, const char *text, size_t from);
bool program_has(struct program *p, const char *text);

void program_signal(const struct program *p, int signal);

/* Waits for its end: the exit status, 128 + n for signal n. Fails the test (and kills) when it does not end. Closes. */
int program_wait(struct program *p);

/* Runs to the end; p->output has what it printed. */
int program_run(struct program *p, const char *const *args);

/* For a test's teardown: ends and closes what is still there. */
void program_end(struct program *p);

#endif
