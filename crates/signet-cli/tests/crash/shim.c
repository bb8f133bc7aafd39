/* Counts and lists every call by which a program changes files below one directory, and kills the program at one of
 * them. Loaded with LD_PRELOAD; steps.rs compiles it and reads its list.
 *
 *   CRASH_ROOT   the directory, absolute and without links
 *   CRASH_GRAVE  a directory beside it, on the same file system: what was replaced or removed is kept there for "lost"
 *   CRASH_LIST   the file to which one line is added for each call: number, call, bytes, changes not flushed, path
 *   CRASH_AT     the number of the call at which to kill; 0 for none; the program's own end is the last "call"
 *   CRASH_HOW    "before" the call; "torn": after half of what it, or the next call that writes, writes; "lost": before the call, and with it
 *                everything that was not flushed, as when the power goes and the disk had written nothing by itself;
 *                "hollow": the same, but the disk had written the names, and only the content of the files is lost
 *
 * Nothing goes uncounted: a filter of the kernel lets calls that change files pass only if they come from here. One that a
 * program makes by itself, past the functions below, is caught by the filter and made here; one that this shim does not
 * know ends the program. What is started by the program has the filter as well, and its calls are made and not counted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

/* A program that hangs ends by itself. */
#define PATIENCE_SECONDS 120

#include "shim/kernel.h"

/* ---- What was asked of this shim. ---- */

enum how { BEFORE, TORN, LOST, HOLLOW };

static char root[PATH_MAX];
static char grave[PATH_MAX];
static int list = -1;
static long at;
static enum how how;
static long count;
static long buried;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *why) {
    ASK(SYS_write, 2, why, strlen(why), 0, 0);
    ASK(SYS_exit_group, 99, 0, 0, 0, 0);
}

#include "shim/undo.h"
#include "shim/step.h"

/* ---- Writing. ---- */

static off_t position(int fd) {
    int flags = fcntl(fd, F_GETFL);
    struct stat status;
    if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &status) == 0) return status.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

static size_t length_of(const struct iovec *parts, int number) {
    size_t length = 0;
    for (int i = 0; i < number; i++) length += parts[i].iov_len;
    return length;
}

/* Writes the first half. `offset` is negative where the file's own position counts. */
static void tear(int fd, const struct iovec *parts, int number, off_t offset) {
    size_t half = length_of(parts, number) / 2;
    for (int i = 0; i < number && half > 0; i++) {
        size_t length = parts[i].iov_len < half ? parts[i].iov_len : half;
        if (offset < 0) {
            ASK(SYS_write, fd, parts[i].iov_base, length, 0, 0);
        } else {
            ASK(SYS_pwrite64, fd, parts[i].iov_base, length, offset, 0);
            offset += (off_t)length;
        }
        half -= length;
    }
    die();
}

static ssize_t write_parts(const char *call, int fd, const struct iovec *parts, int number, off_t offset) {
    char path[PATH_MAX];
    int counted = concerns_fd(fd, path);
    if (counted) {
        begin(call, path, length_of(parts, number));
        data_changes(fd, path, offset < 0 ? position(fd) : offset, length_of(parts, number));
        if (tears()) tear(fd, parts, number, offset);
    }
    ssize_t result = offset < 0 ? ASK(SYS_writev, fd, parts, number, 0, 0)
                                : ASK(SYS_pwritev, fd, parts, number, offset, 0);
    if (counted) done();
    return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    struct iovec part = {(void *)bytes, length};
    return write_parts("write", fd, &part, 1, -1);
}

ssize_t writev(int fd, const struct iovec *parts, int number) { return write_parts("writev", fd, parts, number, -1); }

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    struct iovec part = {(void *)bytes, length};
    return write_parts("pwrite", fd, &part, 1, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t pwritev64(int fd, const struct iovec *parts, int number, off64_t offset) {
    return write_parts("pwritev", fd, parts, number, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int number, off_t offset) {
    return pwritev64(fd, parts, number, offset);
}

/* The kernel's own ways of copying are refused: whoever uses them falls back to reading and writing. */
ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t length, unsigned flags) {
    (void)in, (void)in_offset, (void)out, (void)out_offset, (void)length, (void)flags;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int out, int in, off64_t *offset, size_t length) {
    (void)out, (void)in, (void)offset, (void)length;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile(int out, int in, off_t *offset, size_t length) { return sendfile64(out, in, offset, length); }

int ftruncate64(int fd, off64_t length) {
    char path[PATH_MAX];
    int counted = concerns_fd(fd, path);
    if (counted) {
        begin("ftruncate", path, 0);
        data_changes(fd, path, length, SSIZE_MAX);
    }
    int result = (int)ASK(SYS_ftruncate, fd, length, 0, 0, 0);
    if (counted) done();
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    (void)fd, (void)mode, (void)offset, (void)length;
    errno = EOPNOTSUPP;
    return -1;
}

int fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate64(fd, mode, offset, length); }

static int flush(const char *call, long number, int fd) {
    char path[PATH_MAX];
    int counted = concerns_fd(fd, path);
    if (counted) begin(call, path, 0);
    int result = (int)ASK(number, fd, 0, 0, 0, 0);
    if (counted) {
        if (result == 0) flushed(fd);
        done();
    }
    return result;
}

int fsync(int fd) { return flush("fsync", SYS_fsync, fd); }

int fdatasync(int fd) { return flush("fdatasync", SYS_fdatasync, fd); }

/* ---- Names. ---- */

static int open_file(int directory, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    int makes = (flags & O_CREAT) != 0, empties = (flags & O_TRUNC) != 0;
    if ((!makes && !empties) || !concerns(directory, name, path))
        return (int)ASK(SYS_openat, directory, name, flags, mode, 0);
    if (exists(path)) {
        /* Emptying a file is cutting it. */
        int fd = (int)ASK(SYS_openat, directory, name, flags & ~O_TRUNC, mode, 0);
        if (fd >= 0 && empties && ftruncate64(fd, 0) != 0) give_up("crash shim: a file cannot be emptied\n");
        return fd;
    }
    if (!makes) return (int)ASK(SYS_openat, directory, name, flags, mode, 0);
    begin("open", path, 0);
    name_changes(MADE, NULL, path);
    int fd = (int)ASK(SYS_openat, directory, name, flags, mode, 0);
    if (fd < 0) never_mind();
    done();
    return fd;
}

#define MODE_OF(flags, mode)                  \
    mode_t mode = 0;                          \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {  \
        va_list rest;                         \
        va_start(rest, flags);                \
        mode = va_arg(rest, mode_t);          \
        va_end(rest);                         \
    }

int open(const char *name, int flags, ...) {
    MODE_OF(flags, mode)
    return open_file(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...) {
    MODE_OF(flags, mode)
    return open_file(AT_FDCWD, name, flags, mode);
}

int openat(int directory, const char *name, int flags, ...) {
    MODE_OF(flags, mode)
    return open_file(directory, name, flags, mode);
}

int openat64(int directory, const char *name, int flags, ...) {
    MODE_OF(flags, mode)
    return open_file(directory, name, flags, mode);
}

int renameat2(int from_directory, const char *from_name, int to_directory, const char *to_name, unsigned flags) {
    char from[PATH_MAX], to[PATH_MAX];
    int below = concerns(from_directory, from_name, from) | concerns(to_directory, to_name, to);
    int exchanges = (flags & RENAME_EXCHANGE) != 0;
    if (below) {
        begin(exchanges ? "exchange" : "rename", to, 0);
        struct change *name = name_changes(exchanges ? EXCHANGED : MOVED, from, to);
        if (!exchanges) name->kept = keep(to);
    }
    int result = (int)ASK(SYS_renameat2, from_directory, from_name, to_directory, to_name, flags);
    if (below) {
        if (result != 0) never_mind();
        done();
    }
    return result;
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    return renameat2(from_directory, from, to_directory, to, 0);
}

int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int linkat(int from_directory, const char *from_name, int to_directory, const char *to_name, int flags) {
    char to[PATH_MAX];
    int below = concerns(to_directory, to_name, to);
    if (below) {
        begin("link", to, 0);
        name_changes(MADE, NULL, to);
    }
    int result = (int)ASK(SYS_linkat, from_directory, from_name, to_directory, to_name, flags);
    if (below) {
        if (result != 0) never_mind();
        done();
    }
    return result;
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int directory, const char *name, int flags) {
    char path[PATH_MAX];
    int below = concerns(directory, name, path) && exists(path);
    int is_directory = (flags & AT_REMOVEDIR) != 0;
    if (below) {
        begin(is_directory ? "rmdir" : "unlink", path, 0);
        struct change *removal = name_changes(is_directory ? DIRECTORY_REMOVED : REMOVED, path, NULL);
        if (!is_directory) removal->kept = keep(path);
    }
    int result = (int)ASK(SYS_unlinkat, directory, name, flags, 0, 0);
    if (below) {
        if (result != 0) never_mind();
        done();
    }
    return result;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int directory, const char *name, mode_t mode) {
    char path[PATH_MAX];
    int below = concerns(directory, name, path) && !exists(path);
    if (below) {
        begin("mkdir", path, 0);
        name_changes(DIRECTORY_MADE, NULL, path);
    }
    int result = (int)ASK(SYS_mkdirat, directory, name, mode, 0, 0);
    if (below) {
        if (result != 0) never_mind();
        done();
    }
    return result;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

#include "shim/filter.h"

static const char *setting(const char *name) {
    const char *value = getenv(name);
    if (!value) give_up("crash shim: CRASH_ROOT, CRASH_GRAVE, CRASH_LIST, CRASH_AT and CRASH_HOW say what to do\n");
    return value;
}

/* Tells a program that it was started by one that is watched. */
#define CHILD "CRASH_CHILD"

__attribute__((constructor)) static void prepare(void) {
    if (!place_kernel()) give_up("crash shim: something is where the kernel is asked\n");
    if (getenv(CHILD)) {
        take_what_is_caught();
        return;
    }
    const char *end = setting("CRASH_HOW");
    snprintf(root, sizeof root, "%s", setting("CRASH_ROOT"));
    snprintf(grave, sizeof grave, "%s", setting("CRASH_GRAVE"));
    at = atol(setting("CRASH_AT"));
    how = BEFORE;
    if (strcmp(end, "torn") == 0) how = TORN;
    if (strcmp(end, "lost") == 0) how = LOST;
    if (strcmp(end, "hollow") == 0) how = HOLLOW;
    setenv(CHILD, "1", 1);
    watch_everything_else();
    alarm(PATIENCE_SECONDS);
    list = (int)ASK(SYS_openat, AT_FDCWD, setting("CRASH_LIST"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600, 0);
    if (list < 0) give_up("crash shim: the list cannot be opened\n");
}

/* What a command has said to be done must be on the disk. */
__attribute__((destructor)) static void finish(void) {
    if (list < 0) return;
    begin("exit", root, 0);
    done();
}
