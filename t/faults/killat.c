/* SPDX-License-Identifier: MIT */
/*
 * killat: run a command and let disaster strike at one of its system calls.
 *
 *	killat --count [--list] [SELECTION] -- COMMAND
 *	killat --at N [--after | --torn] [--run SHELL] [SELECTION] -- COMMAND
 *	killat --fail ERRNO [--at N] [--forever] [SELECTION] -- COMMAND
 *	killat --short [--at N] [--forever] [SELECTION] -- COMMAND
 *	killat --go --run SHELL [--at N] [--forever] [SELECTION] -- COMMAND
 *	killat --signal NAME [--at N [--again M]] [SELECTION] -- COMMAND
 *
 * SELECTION: --only CLASS-OR-CALL[,...], --path GLOB, --program GLOB. Calls that
 * change nothing are never counted; see calls.h. --report FILE gets one line: the
 * call that was struck, or how many there were; --list puts all of them before it.
 * --signal sends a signal before the call, and with --again once more M calls later.
 * --history FILE has a line for each call that published or synced something, whatever
 * is selected: see history.h.
 *
 * Exit status: the command's own; 128 + signal when it died of one (137: struck);
 * 125: killat itself failed.
 */
#include "calls.h"
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <libgen.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

enum { OWN_FAILURE = 125, TASKS_MAX = 4096, CALLS_MAX = 16 };
enum action { COUNT, KILL_BEFORE, KILL_AFTER, KILL_TORN, FAIL, SHORT, GO, SIGNAL };

struct plan {
	enum action action;
	long at, again;
	int errnum, signal;
	bool forever, list;
	unsigned classes; /* selected, with calls[] */
	const char *calls[CALLS_MAX];
	size_t call_count;
	const char *path, *program, *run, *report, *history;
};

struct trace {
	const struct plan *plan;
	pid_t root;
	int status; /* of root, as waitpid() gave it */
	long count;
	FILE *report;
	struct history *history;
	bool struck;   /* SIGKILL was sent */
	pid_t leaving; /* the thread whose call is awaited before the kill; 0: none */
	pid_t tasks[TASKS_MAX];
	size_t task_count;
	char what[4400]; /* the call that was struck */
};

static pid_t root_for_signals;

static void forward(int sig)
{
	if (root_for_signals > 0)
		kill(root_for_signals, sig);
}

static int complain(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	return OWN_FAILURE;
}

/* ---- Tasks ---- */

static void task_add(struct trace *t, pid_t pid)
{
	for (size_t i = 0; i < t->task_count; i++)
		if (t->tasks[i] == pid)
			return;
	if (t->task_count < TASKS_MAX)
		t->tasks[t->task_count++] = pid;
}

static void task_forget(struct trace *t, pid_t pid)
{
	for (size_t i = 0; i < t->task_count; i++)
		if (t->tasks[i] == pid)
			t->tasks[i] = t->tasks[--t->task_count];
}

/* ---- Striking ---- */

/* What the caller wants done while the thread stands before its call. */
static void run_shell(const struct plan *p)
{
	int status = p->run ? system(p->run) : 0;

	if (status != 0)
		fprintf(stderr, "killat: '%s' ended with status %d\n", p->run, status);
}

/* Stopped threads are killed where they stand: the call they stopped at is not made. */
static void strike(struct trace *t)
{
	if (!t->struck)
		run_shell(t->plan);
	t->struck = true;
	for (size_t i = 0; i < t->task_count; i++)
		kill(t->tasks[i], SIGKILL);
}

static bool program_matches(const struct plan *p, pid_t tid)
{
	char link[64], exe[4096];
	ssize_t n;

	if (!p->program)
		return true;
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)tid);
	n = readlink(link, exe, sizeof(exe) - 1);
	if (n <= 0)
		return false;
	exe[n] = 0;
	return fnmatch(p->program, basename(exe), 0) == 0;
}

static bool selected(const struct plan *p, const struct call *c)
{
	bool in = (call_class_of(c) & p->classes) != 0;

	for (size_t i = 0; i < p->call_count && !in; i++)
		in = strcmp(p->calls[i], call_name(c)) == 0;
	if (in && p->path)
		in = fnmatch(p->path, c->path, 0) == 0;
	return in && program_matches(p, c->tid);
}

static bool due(const struct trace *t)
{
	const struct plan *p = t->plan;

	if (p->action == COUNT)
		return false;
	if (p->again && t->count == p->at + p->again)
		return true;
	return p->forever ? t->count >= p->at : t->count == p->at;
}

static void describe(struct trace *t, const struct call *c, const char *when)
{
	snprintf(t->what, sizeof(t->what), "%ld %s %s %s", t->count, when, call_name(c), c->path);
}

/* What is to happen at this call; returns the ptrace request to go on with. */
static enum __ptrace_request act(struct trace *t, struct call *c)
{
	switch (t->plan->action) {
	case KILL_BEFORE:
		describe(t, c, "before");
		strike(t);
		break;
	case KILL_TORN:
		if (!call_halve(c)) { /* nothing to tear: it counts for nothing */
			t->count--;
			break;
		}
		describe(t, c, "half of");
		t->leaving = c->tid;
		return PTRACE_SYSCALL;
	case KILL_AFTER:
		describe(t, c, "after");
		t->leaving = c->tid;
		return PTRACE_SYSCALL;
	case SHORT:
		if (call_halve(c))
			describe(t, c, "short");
		else
			t->count--;
		break;
	case FAIL:
		describe(t, c, "refused");
		if (!call_refuse(c, t->plan->errnum))
			complain("cannot refuse a call");
		break;
	case GO:
		describe(t, c, "ran before");
		run_shell(t->plan);
		break;
	case SIGNAL:
		describe(t, c, "signalled before");
		kill(t->root, t->plan->signal);
		break;
	case COUNT:
		break;
	}
	return PTRACE_CONT;
}

static enum __ptrace_request on_call(struct trace *t, pid_t tid)
{
	enum __ptrace_request request = PTRACE_CONT;
	struct call c;

	if (t->leaving || !call_read(&c, tid))
		return request;
	if (selected(t->plan, &c)) {
		t->count++;
		if (t->plan->list)
			fprintf(t->report, "%ld %s %s\n", t->count, call_name(&c), c.path);
		if (due(t))
			request = act(t, &c);
	}
	return !t->struck && history_call(t->history, &c) ? PTRACE_SYSCALL : request;
}

/* ---- The loop ---- */

static void on_stop(struct trace *t, pid_t pid, int status)
{
	enum __ptrace_request request = PTRACE_CONT;
	int event = status >> 16, sig = WSTOPSIG(status);
	unsigned long child;

	task_add(t, pid);
	if (t->struck) {
		kill(pid, SIGKILL);
		return;
	}
	if (event == PTRACE_EVENT_SECCOMP) {
		request = on_call(t, pid);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP) {
		if (sig != SIGTRAP)
			request = PTRACE_LISTEN; /* a real stop: stay in it */
		sig = 0;
	} else if (event) {
		if (event != PTRACE_EVENT_EXEC &&
		    ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) == 0)
			task_add(t, (pid_t)child);
		sig = 0;
	} else if (sig == (SIGTRAP | 0x80)) {
		history_return(t->history, pid);
		if (pid == t->leaving)
			strike(t);
		sig = 0;
	}
	if (!t->struck)
		ptrace(request, pid, NULL, (void *)(uintptr_t)sig);
}

static void watch(struct trace *t)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return; /* nobody is left */
		if (WIFSTOPPED(status)) {
			on_stop(t, pid, status);
			continue;
		}
		task_forget(t, pid);
		if (pid == t->root)
			t->status = status;
	}
}

static int install_filter(void)
{
	struct sock_fprog program = { 0 };
	size_t n;

	program.filter = call_filter(&n);
	if (!program.filter)
		return -1;
	program.len = (unsigned short)n;
	/* root needs no NO_NEW_PRIVS, which would keep set-user-id programs from working */
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static _Noreturn void child(int go, char **command)
{
	char byte;

	if (read(go, &byte, 1) != 1) /* until we are traced */
		_exit(OWN_FAILURE);
	close(go);
	if (install_filter() != 0)
		_exit(complain("cannot install the filter"));
	/* the leak sanitizer traces as well, which only one can do: it looks elsewhere */
	setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
	execvp(command[0], command);
	complain(command[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

static int start(struct trace *t, char **command)
{
	const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL |
			     PTRACE_O_TRACESYSGOOD;
	int go[2];

	if (pipe2(go, O_CLOEXEC) != 0)
		return complain("pipe");
	t->root = fork();
	if (t->root < 0)
		return complain("fork");
	if (t->root == 0) {
		close(go[1]);
		child(go[0], command);
	}
	close(go[0]);
	task_add(t, t->root);
	root_for_signals = t->root;
	if (ptrace(PTRACE_SEIZE, t->root, NULL, (void *)options) != 0) {
		kill(t->root, SIGKILL);
		return complain("cannot trace");
	}
	if (write(go[1], "", 1) != 1)
		return complain("pipe");
	close(go[1]);
	return 0;
}

static int report(const struct trace *t)
{
	if (t->plan->action == COUNT)
		fprintf(t->report, "%ld\n", t->count);
	else if (t->what[0])
		fprintf(t->report, "%s\n", t->what);
	else
		fprintf(t->report, "not reached: %ld calls\n", t->count);
	return fflush(t->report) == 0 ? 0 : complain("report");
}

static int run(const struct plan *p, char **command)
{
	struct trace *t = calloc(1, sizeof(*t));
	int status;

	if (!t)
		return complain("out of memory");
	t->plan = p;
	t->report = p->report ? fopen(p->report, "we") : stderr;
	if (!t->report) {
		free(t);
		return complain(p->report);
	}
	if (p->history && !(t->history = history_open(p->history))) {
		free(t);
		return complain(p->history);
	}
	status = start(t, command);
	if (status == 0) {
		signal(SIGTERM, forward);
		signal(SIGINT, forward);
		watch(t);
		status = report(t);
	}
	if (history_close(t->history) != 0)
		status = complain("history");
	if (status == 0)
		status =
		    WIFSIGNALED(t->status) ? 128 + WTERMSIG(t->status) : WEXITSTATUS(t->status);
	free(t);
	return status;
}

/* ---- Arguments ---- */

static int usage(const char *why, const char *what)
{
	fprintf(stderr,
		"killat: %s%s\n"
		"usage: killat --count [--list] | --at N [--after|--torn] [--run SHELL]\n"
		"              [--fail ERRNO | --short | --go --run SHELL |\n"
		"               --signal NAME] [--at N [--again M]] [--forever]\n"
		"              [--only CLASS,...] [--path GLOB] [--program GLOB]\n"
		"              [--report FILE] [--history FILE]\n"
		"              -- COMMAND [ARGUMENT...]\n",
		why, what);
	return OWN_FAILURE;
}

static int errno_of(const char *name)
{
	for (int i = 1; i < 200; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0)
			return i;
	}
	return 0;
}

static int signal_of(const char *name)
{
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && strcmp(known, name) == 0)
			return i;
	}
	return 0;
}

static bool parse_only(struct plan *p, const char *list)
{
	p->classes = 0;
	while (*list) {
		size_t n = strcspn(list, ",");

		if (p->call_count == CALLS_MAX ||
		    !call_selector(list, n, &p->classes, &p->calls[p->call_count]))
			return false;
		if (p->calls[p->call_count])
			p->call_count++;
		list += n + (list[n] == ',');
	}
	return true;
}

static bool parse_number(long *to, const char *text)
{
	char *end;

	errno = 0;
	*to = strtol(text, &end, 10);
	return errno == 0 && *text && !*end && *to > 0;
}

/* Any of the options that need a value to be looked at. False: it is wrong. */
static bool take(struct plan *p, int option, const char *value)
{
	switch (option) {
	case 'n':
		return parse_number(&p->at, value);
	case 'N':
		return parse_number(&p->again, value);
	case 'o':
		return parse_only(p, value);
	case 'f':
		p->action = FAIL;
		p->errnum = errno_of(value);
		return p->errnum != 0;
	case 'S':
		p->action = SIGNAL;
		p->signal = signal_of(value);
		return p->signal != 0;
	case 'a':
		p->action = KILL_AFTER;
		break;
	case 't':
		p->action = KILL_TORN;
		break;
	case 's':
		p->action = SHORT;
		break;
	case 'c':
		p->action = COUNT;
		break;
	case 'g':
		p->action = GO;
		break;
	case 'l':
		p->list = true;
		break;
	case 'F':
		p->forever = true;
		break;
	case 'p':
		p->path = value;
		break;
	case 'P':
		p->program = value;
		break;
	case 'r':
		p->run = value;
		break;
	case 'R':
		p->report = value;
		break;
	case 'H':
		p->history = value;
		break;
	default:
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "at", required_argument, NULL, 'n' },
		{ "again", required_argument, NULL, 'N' },
		{ "signal", required_argument, NULL, 'S' },
		{ "history", required_argument, NULL, 'H' },
		{ "only", required_argument, NULL, 'o' },
		{ "fail", required_argument, NULL, 'f' },
		{ "path", required_argument, NULL, 'p' },
		{ "program", required_argument, NULL, 'P' },
		{ "run", required_argument, NULL, 'r' },
		{ "report", required_argument, NULL, 'R' },
		{ "after", no_argument, NULL, 'a' },
		{ "torn", no_argument, NULL, 't' },
		{ "short", no_argument, NULL, 's' },
		{ "count", no_argument, NULL, 'c' },
		{ "list", no_argument, NULL, 'l' },
		{ "go", no_argument, NULL, 'g' },
		{ "forever", no_argument, NULL, 'F' },
		{ NULL, 0, NULL, 0 },
	};
	struct plan p = { .action = KILL_BEFORE, .at = 1, .classes = CALL_ANY };
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
		if (!take(&p, option, optarg))
			return usage("wrong argument: ", optarg ? optarg : argv[optind - 1]);
	if (optind == argc)
		return usage("no command", "");
	/* halves exist of writes only, unless something else was asked for */
	if ((p.action == KILL_TORN || p.action == SHORT) && p.classes == CALL_ANY)
		p.classes = CALL_WRITE | CALL_COPY;
	return run(&p, argv + optind);
}

#else

int main(void)
{
	fprintf(stderr, "killat: knows the registers of x86-64 only\n");
	return 125;
}

#endif
