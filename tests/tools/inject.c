/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * Makes a running process do a system call that it should not:
 *
 *	inject PID openat|socket|netlink|connect|execve|ptrace|clone|getpid
 *
 * Attaches by ptrace(2), puts a system call instruction where the process
 * stands, lets it run that far and tells what became of it.  Exit status: 0,
 * the sandbox killed it (SIGSYS); 1, it lives, and goes on as before; 3, it
 * ended otherwise; 2, it could not be tried; 77, not on this machine.
 */

#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_KILLED 0
#define EXIT_LIVES  1
#define EXIT_FAILED 2
#define EXIT_ENDED  3
#define EXIT_SKIP   77

#if defined(__x86_64__) || defined(__aarch64__)

/* Stands for the address of the text in the process's own memory. */
#define PATH_HERE (-4096L)

static const struct injection {
	const char *name;
	long number;
	long args[6];
} injections[] = {
    {"openat", SYS_openat, {AT_FDCWD, PATH_HERE, O_RDONLY}},
    {"socket", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
    {"netlink", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}},
    {"connect", SYS_connect, {0, PATH_HERE, 16}},
    {"execve", SYS_execve, {PATH_HERE, 0, 0}},
    {"ptrace", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}},
    {"clone", SYS_clone, {SIGCHLD, 0, 0, 0, 0}},
    {"getpid", SYS_getpid, {0}},
};

/* On the stack, below what even a leaf function may use. */
#define SCRATCH_BELOW 4096
static const char scratch_text[16] = "/etc/passwd";

#if defined(__x86_64__)
#define INSTRUCTION_MASK 0xffffL
#define INSTRUCTION      0x050fL /* syscall */

static unsigned long
get_pc(const struct user_regs_struct *r)
{
	return r->rip;
}

static unsigned long
get_stack(const struct user_regs_struct *r)
{
	return r->rsp;
}

static long
get_result(const struct user_regs_struct *r)
{
	return (long)r->rax;
}

static void
set_call(struct user_regs_struct *r, long number, const long *args)
{
	r->rax = (unsigned long)number;
	r->orig_rax = ~0UL; /* no interrupted call is started again */
	r->rdi = (unsigned long)args[0];
	r->rsi = (unsigned long)args[1];
	r->rdx = (unsigned long)args[2];
	r->r10 = (unsigned long)args[3];
	r->r8 = (unsigned long)args[4];
	r->r9 = (unsigned long)args[5];
}
#else
#define INSTRUCTION_MASK 0xffffffffL
#define INSTRUCTION      0xd4000001L /* svc #0 */

static unsigned long
get_pc(const struct user_regs_struct *r)
{
	return r->pc;
}

static unsigned long
get_stack(const struct user_regs_struct *r)
{
	return r->sp;
}

static long
get_result(const struct user_regs_struct *r)
{
	return (long)r->regs[0];
}

static void
set_call(struct user_regs_struct *r, long number, const long *args)
{
	size_t i;

	r->regs[8] = (unsigned long)number;
	for (i = 0; i < 6; i++)
		r->regs[i] = (unsigned long)args[i];
}
#endif

static pid_t pid;

static int
fail(const char *what)
{
	fprintf(stderr, "inject: %d: %s: %s\n", (int)pid, what,
	    strerror(errno));
	return EXIT_FAILED;
}

static int
get_registers(struct user_regs_struct *r)
{
	struct iovec iov = {r, sizeof(*r)};

	return (int)ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);
}

static int
set_registers(struct user_regs_struct *r)
{
	struct iovec iov = {r, sizeof(*r)};

	return (int)ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}

/* Puts the text where the stack is unused; 0, or -1. */
static int
put_text(unsigned long at)
{
	long word;
	size_t i;

	for (i = 0; i < sizeof(scratch_text); i += sizeof(word)) {
		memcpy(&word, scratch_text + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, at + i, word) == -1)
			return -1;
	}
	return 0;
}

/* How a process that is no more has ended. */
static int
tell_end(const char *name, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		printf("%d: %s: killed by the sandbox (SIGSYS)\n", (int)pid,
		    name);
		return EXIT_KILLED;
	}
	if (WIFSIGNALED(status))
		printf("%d: %s: killed by %s\n", (int)pid, name,
		    strsignal(WTERMSIG(status)));
	else
		printf("%d: %s: ended with status %d\n", (int)pid, name,
		    WEXITSTATUS(status));
	return EXIT_ENDED;
}

static void
prepare(const struct injection *what, const struct user_regs_struct *before,
    struct user_regs_struct *out, unsigned long text_at)
{
	long args[6];
	size_t i;

	*out = *before;
	for (i = 0; i < 6; i++)
		args[i] =
		    what->args[i] == PATH_HERE ? (long)text_at : what->args[i];
	set_call(out, what->number, args);
}

/* The process stands still; it is killed or stands still again afterwards. */
static int
inject(const struct injection *what)
{
	struct user_regs_struct before, regs;
	unsigned long pc, text_at;
	long code;
	int status;

	if (get_registers(&before) == -1)
		return fail("read registers");
	pc = get_pc(&before);
	text_at = (get_stack(&before) - SCRATCH_BELOW) & ~15UL;
	errno = 0;
	code = ptrace(PTRACE_PEEKTEXT, pid, pc, 0);
	if (errno != 0 || put_text(text_at) == -1 ||
	    ptrace(PTRACE_POKETEXT, pid, pc,
		(code & ~INSTRUCTION_MASK) | INSTRUCTION) == -1)
		return fail("write memory");
	prepare(what, &before, &regs, text_at);
	if (set_registers(&regs) == -1 ||
	    ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == -1)
		return fail("run");
	if (waitpid(pid, &status, __WALL) == -1)
		return fail("wait");
	if (!WIFSTOPPED(status))
		return tell_end(what->name, status);
	if (get_registers(&regs) == -1)
		return fail("read registers");
	printf("%d: %s: lives, the call returned %ld\n", (int)pid, what->name,
	    get_result(&regs));
	if (ptrace(PTRACE_POKETEXT, pid, pc, code) == -1 ||
	    set_registers(&before) == -1)
		return fail("put back");
	return EXIT_LIVES;
}

static const struct injection *
find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(injections) / sizeof(injections[0]); i++) {
		if (strcmp(injections[i].name, name) == 0)
			return &injections[i];
	}
	return NULL;
}

static int
attach_and_inject(const struct injection *what)
{
	int result, status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) == -1 ||
	    waitpid(pid, &status, __WALL) == -1)
		return fail("attach");
	if (!WIFSTOPPED(status))
		return tell_end("before the call", status);
	result = inject(what);
	if (result == EXIT_LIVES)
		ptrace(PTRACE_DETACH, pid, 0, 0);
	return result;
}

int
main(int argc, char **argv)
{
	const struct injection *what = argc == 3 ? find(argv[2]) : NULL;

	if (what == NULL) {
		fprintf(stderr,
		    "usage: inject PID openat|socket|netlink|connect|"
		    "execve|ptrace|clone|getpid\n");
		return EXIT_FAILED;
	}
	pid = (pid_t)strtol(argv[1], NULL, 10);
	return attach_and_inject(what);
}

#else

int
main(void)
{
	printf("inject: knows x86_64 and aarch64 only\n");
	return EXIT_SKIP;
}

#endif
