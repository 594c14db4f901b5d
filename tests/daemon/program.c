#include "program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGS_MAX = 32, NAP_MS = 5 };

const char *program_path;

static void nap(void)
{
	const struct timespec ts = { 0, NAP_MS * 1000000L };

	nanosleep(&ts, NULL);
}

/* As systemd does for a service whose output goes to the journal. */
static void name_journal(const struct program *p)
{
	char stream[64];
	struct stat st;

	unsetenv("JOURNAL_STREAM");
	if (!p->journal || fstat(p->fd, &st) != 0)
		return;
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
}

void program_start(struct program *p, const char *const *args)
{
	char *argv[ARGS_MAX + 2] = { (char *)(uintptr_t)program_path };
	char name[] = "/tmp/thimble_daemon_test_XXXXXX";

	for (int i = 0; args[i]; i++) {
		assert_true(i < ARGS_MAX);
		argv[i + 1] = (char *)(uintptr_t)args[i];
	}
	p->fd = mkostemp(name, O_APPEND | O_CLOEXEC);
	assert_true(p->fd >= 0);
	unlink(name);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid > 0)
		return;
	dup2(p->fd, STDOUT_FILENO);
	dup2(p->fd, STDERR_FILENO);
	name_journal(p);
	execv(program_path, argv);
	_exit(127);
}

static void read_output(struct program *p)
{
	ssize_t n = pread(p->fd, p->output, sizeof(p->output) - 1, 0);

	p->output[n > 0 ? n : 0] = '\0';
}

bool program_has(struct program *p, const char *text)
{
	read_output(p);
	return strstr(p->output, text) != NULL;
}

size_t program_wait_output(struct program *p, const char *text, size_t from)
{
	for (int waited = 0; waited < PROGRAM_PATIENCE_MS; waited += NAP_MS) {
		const char *at;

		read_output(p);
		at = strlen(p->output) >= from ? strstr(p->output + from, text) : NULL;
		if (at)
			return (size_t)(at - p->output) + strlen(text);
		nap();
	}
	fail_msg("no \"%s\" in:\n%s", text, p->output);
	return 0;
}

void program_signal(const struct program *p, int signal)
{
	assert_true(p->pid > 0);
	assert_int_equal(kill(p->pid, signal), 0);
}

int program_wait(struct program *p)
{
	int status = 0;
	pid_t got = 0;

	for (int waited = 0; waited < PROGRAM_PATIENCE_MS && got == 0; waited += NAP_MS) {
		got = waitpid(p->pid, &status, WNOHANG);
		if (got == 0)
			nap();
	}
	read_output(p);
	if (got != p->pid) {
		program_end(p);
		fail_msg("does not end:\n%s", p->output);
	}
	p->pid = 0;
	p->dumped = WIFSIGNALED(status) && WCOREDUMP(status);
	close(p->fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_run(struct program *p, const char *const *args)
{
	program_start(p, args);
	return program_wait(p);
}

void program_end(struct program *p)
{
	if (p->pid <= 0)
		return;
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->fd);
	p->pid = 0;
}
