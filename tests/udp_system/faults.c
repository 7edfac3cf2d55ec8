/* Makes calls on files fail, hang or take time, for tests of the program `site`: built with `cc`, loaded with LD_PRELOAD.
 *
 * AVIARY_FAULT names a file. While it is there it holds the name of a call and what becomes of it:
 *
 *     fdatasync fail      EIO, and nothing is done
 *     fdatasync late      EIO after a second
 *     fdatasync hang      never returns
 *     fdatasync slow      takes 20 ms, and is done
 *     write more          is done, and said to have written more than it was given: whoever believes that panics
 *
 * Calls: fdatasync, fsync, write (pwrite64), create (open64 with O_CREAT), fallocate, rename. The first that is not only
 * slow makes the file AVIARY_FAULT with ".struck" behind it; what stands in that is why it could not strike.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(long ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

static void struck(const char *why) {
    char path[4096];
    snprintf(path, sizeof path, "%s.struck", getenv("AVIARY_FAULT"));
    long file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file >= 0) {
        if (syscall(SYS_write, file, why, strlen(why)) < 0) {
            abort();
        }
        syscall(SYS_close, file);
    }
}

/* The first letter of what becomes of this call, or 0. */
static char fate(const char *call) {
    const char *path = getenv("AVIARY_FAULT");
    char text[64], name[32], how[32];
    if (path == NULL) {
        return 0;
    }
    long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) {
        return 0;
    }
    long length = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    text[length < 0 ? 0 : length] = 0;
    return sscanf(text, "%31s %31s", name, how) == 2 && strcmp(name, call) == 0 ? how[0] : 0;
}

/* Whether this call fails here and now. */
static int fails(const char *call) {
    char how = fate(call);
    if (how == 0) {
        return 0;
    }
    if (how == 's') {
        sleep_ms(20);
        return 0;
    }
    struck("");
    if (how == 'h') {
        for (;;) {
            pause();
        }
    }
    if (how == 'l') {
        sleep_ms(1000);
    }
    errno = EIO;
    return 1;
}

/* The program calls this one without the C library: from here on the kernel refuses it to this thread. */
static void refuse_fallocate(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    int refused = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0;
    struck(refused ? "no filter of system calls may be made here" : "");
}

int fdatasync(int file) {
    return fails("fdatasync") ? -1 : (int)syscall(SYS_fdatasync, file);
}

int fsync(int file) {
    return fails("fsync") ? -1 : (int)syscall(SYS_fsync, file);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    if (fate("write") == 'm') {
        struck("");
        return syscall(SYS_pwrite64, file, bytes, count, offset) + 1;
    }
    return fails("write") ? -1 : syscall(SYS_pwrite64, file, bytes, count, offset);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, unsigned) : 0;
    va_end(rest);
    if (flags & O_CREAT) {
        if (fails("create")) {
            return -1;
        }
        if (fate("fallocate") != 0) {
            refuse_fallocate();
        }
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int rename(const char *from, const char *to) {
    return fails("rename") ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
