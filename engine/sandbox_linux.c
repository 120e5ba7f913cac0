/*
 * Copyright (c) 2026 the trapline authors
 * SPDX-License-Identifier: ISC
 */

/*
 * The sandbox of Linux: no_new_privs, then Landlock where the kernel has it,
 * then a list of allowed system calls; any other kills the process.  No list
 * has a call that takes a path, starts a process or looks into another one;
 * none makes a socket but the resolver's, for UDP alone.  A call that is
 * missing here shows in the kernel's log as "audit: type=1326 ... syscall=N".
 */

#include "engine/sandbox.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "engine/landlock.h"
#include "engine/log.h"
#include "trapline_config.h"

#ifdef HAVE_LIBSECCOMP

#include <seccomp.h>

/* A call that is allowed; with a mask, only if (argument & mask) == value. */
struct call {
	int number;
	unsigned int argument;
	scmp_datum_t mask;
	scmp_datum_t value;
};

#define ANY(name) SCMP_SYS(name), 0, 0, 0
#define WHEN(name, argument, mask, value)                                      \
	SCMP_SYS(name), (argument), (scmp_datum_t)(mask), (scmp_datum_t)(value)
/* An int argument: its upper half is not the kernel's business. */
#define INT_IS(name, argument, value)                                          \
	WHEN(name, argument, UINT32_MAX, (uint32_t)(value))

/* All profiles. */
static const struct call common[] = {
    /* What is open. */
    {ANY(read)},
    {ANY(readv)},
    {ANY(write)},
    {ANY(writev)},
    {ANY(close)},
    {ANY(recvfrom)},
    {ANY(recvmsg)},
    {ANY(recvmmsg)},
    {ANY(sendto)},
    {ANY(sendmsg)},
    {ANY(shutdown)},
    {ANY(getsockopt)},
    /* libpcap asks whether its interface still exists. */
    {ANY(getsockname)},
    {INT_IS(setsockopt, 1, SOL_SOCKET)},
    /* pcap_close() gives its ring back. */
    {INT_IS(setsockopt, 1, SOL_PACKET)},
    {ANY(fstat)},
    {WHEN(newfstatat, 3, AT_EMPTY_PATH, AT_EMPTY_PATH)},
    {INT_IS(fcntl, 1, F_GETFL)},
    {INT_IS(fcntl, 1, F_SETFL)},
    {INT_IS(fcntl, 1, F_GETFD)},
    {INT_IS(fcntl, 1, F_SETFD)},
    {INT_IS(fcntl64, 1, F_GETFL)},
    {INT_IS(fcntl64, 1, F_SETFL)},
    {INT_IS(fcntl64, 1, F_GETFD)},
    {INT_IS(fcntl64, 1, F_SETFD)},
    {INT_IS(ioctl, 1, FIONREAD)},
    {INT_IS(ioctl, 1, FIONBIO)},
    /* libpcap asks whether its interface is still up. */
    {INT_IS(ioctl, 1, SIOCGIFFLAGS)},
    /* Waiting. */
    {ANY(poll)},
    {ANY(ppoll)},
    {ANY(ppoll_time64)},
    {ANY(select)},
    {ANY(_newselect)},
    {ANY(pselect6)},
    {ANY(epoll_wait)},
    {ANY(epoll_pwait)},
    {ANY(epoll_pwait2)},
    {ANY(epoll_ctl)},
    {ANY(timerfd_settime)},
    {ANY(timerfd_settime64)},
    {ANY(nanosleep)},
    {ANY(clock_nanosleep)},
    {ANY(clock_nanosleep_time64)},
    {ANY(restart_syscall)},
    /* Time and chance. */
    {ANY(clock_gettime)},
    {ANY(clock_gettime64)},
    {ANY(clock_getres)},
    {ANY(gettimeofday)},
    {ANY(time)},
    {ANY(getrandom)},
    /* Memory, none of it executable. */
    {ANY(brk)},
    {WHEN(mmap, 2, PROT_EXEC, 0)},
    {WHEN(mmap2, 2, PROT_EXEC, 0)},
    {WHEN(mprotect, 2, PROT_EXEC, 0)},
    {ANY(munmap)},
    {ANY(mremap)},
    {ANY(madvise)},
    {ANY(futex)},
    {ANY(futex_time64)},
    /* Itself. */
    {ANY(rt_sigaction)},
    {ANY(rt_sigprocmask)},
    {ANY(rt_sigreturn)},
    {ANY(sigreturn)},
    {ANY(sigaltstack)},
    {ANY(getpid)},
    {ANY(gettid)},
    {ANY(getppid)},
    {ANY(getuid)},
    {ANY(geteuid)},
    {ANY(getgid)},
    {ANY(getegid)},
    {ANY(getrusage)},
    {ANY(exit)},
    {ANY(exit_group)},
};

/* The engine's own: the open store, and the control socket's clients. */
static const struct call engine[] = {
    {ANY(pread64)},
    {ANY(pwrite64)},
    {ANY(lseek)},
    {ANY(_llseek)},
    {ANY(fsync)},
    {ANY(fdatasync)},
    {ANY(ftruncate)},
    {ANY(ftruncate64)},
    {INT_IS(fcntl, 1, F_SETLK)},
    {INT_IS(fcntl, 1, F_GETLK)},
    {INT_IS(fcntl64, 1, F_SETLK)},
    {INT_IS(fcntl64, 1, F_GETLK)},
    {ANY(accept)},
    {ANY(accept4)},
    {ANY(getpeername)},
};

/* What closing SQLite's file asks (has it been renamed?): refused, no more. */
static const struct call engine_refused[] = {
    {ANY(stat)},
    {ANY(stat64)},
    {ANY(statx)},
    {WHEN(newfstatat, 3, AT_EMPTY_PATH, 0)},
};

#ifdef TRAPLINE_SANITIZED
/*
 * What the run-time libraries of -fsanitize= need on top.  Their search for
 * leaks at the end of a process would need ptrace() and open(): it is
 * switched off in a sandboxed process by the hook below.
 */
static const struct call sanitizers[] = {
    {ANY(sched_yield)},
    {ANY(sched_getaffinity)},
};

static int is_entered;

int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return is_entered;
}
#endif

/* One that this architecture does not have is no error and no rule. */
static void
add(scmp_filter_ctx ctx, uint32_t action, const struct call *calls, size_t n)
{
	struct scmp_arg_cmp only;
	size_t i;
	int error;

	for (i = 0; i < n; i++) {
		only = (struct scmp_arg_cmp){calls[i].argument,
		    SCMP_CMP_MASKED_EQ, calls[i].mask, calls[i].value};
		error = seccomp_rule_add_array(ctx, action, calls[i].number,
		    calls[i].mask != 0, &only);
		if (error < 0 && error != -EDOM) {
			errno = -error;
			fatal("sandbox: system call %d", calls[i].number);
		}
	}
}

/* The resolver's own: a UDP socket of either family, and nothing like it. */
static void
add_udp(scmp_filter_ctx ctx)
{
	static const scmp_datum_t families[] = {AF_INET, AF_INET6};
	struct scmp_arg_cmp is[] = {
	    {0, SCMP_CMP_MASKED_EQ, UINT32_MAX, 0},
	    {1, SCMP_CMP_MASKED_EQ,
		UINT32_MAX & ~(scmp_datum_t)(SOCK_NONBLOCK | SOCK_CLOEXEC),
		SOCK_DGRAM},
	    {2, SCMP_CMP_MASKED_EQ, UINT32_MAX, 0},
	};
	size_t i;
	int error;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		is[0].datum_b = families[i];
		error = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
		    SCMP_SYS(socket), sizeof(is) / sizeof(is[0]), is);
		if (error < 0) {
			errno = -error;
			fatal("sandbox: UDP sockets");
		}
	}
}

static void
filter_calls(enum sandbox_profile profile)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	/* Only itself may be signalled: abort() does. */
	const struct call to_itself[] = {{INT_IS(tgkill, 0, getpid())}};
	int error;

	if (ctx == NULL)
		fatalx("sandbox: no filter can be made");
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A binary tree instead of a chain of comparisons. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	add(ctx, SCMP_ACT_ALLOW, common, sizeof(common) / sizeof(common[0]));
	add(ctx, SCMP_ACT_ALLOW, to_itself, 1);
	if (profile == SANDBOX_ENGINE) {
		add(ctx, SCMP_ACT_ALLOW, engine,
		    sizeof(engine) / sizeof(engine[0]));
		add(ctx, SCMP_ACT_ERRNO(EACCES), engine_refused,
		    sizeof(engine_refused) / sizeof(engine_refused[0]));
	}
	if (profile == SANDBOX_RESOLVER)
		add_udp(ctx);
#ifdef TRAPLINE_SANITIZED
	add(ctx, SCMP_ACT_ALLOW, sanitizers,
	    sizeof(sanitizers) / sizeof(sanitizers[0]));
	is_entered = 1;
#endif
	error = seccomp_load(ctx);
	if (error < 0) {
		errno = -error;
		fatal("sandbox: system call filter");
	}
	seccomp_release(ctx);
}

#else

static void
filter_calls(enum sandbox_profile profile)
{
	(void)profile;
	log_warnx("sandbox: built without libseccomp:"
		  " system calls are not filtered");
}

#endif

void
sandbox_enter(enum sandbox_profile profile)
{
	int version;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("sandbox: no_new_privs");
	version = landlock_enter();
	if (version == -1)
		fatal("sandbox: landlock");
	if (version == 0)
		log_debug("sandbox: this kernel has no landlock");
	filter_calls(profile);
}
