/* Counts and lists every call by which a program changes files below one directory, and kills the program at one of
 * them. Loaded with LD_PRELOAD; steps.rs compiles it and reads its list.
 *
 *   CRASH_ROOT   the directory, absolute and without links
 *   CRASH_GRAVE  a directory beside it, on the same file system: what was replaced or removed is kept there for "lost"
 *   CRASH_LIST   the file to which one line is added for each call: number, call, bytes, changes not flushed, path
 *   CRASH_AT     the number of the call at which to kill; 0 for none; the program's own end is the last "call"
 *   CRASH_HOW    "before" the call; "torn": after half of what a write writes; "lost": before the call, and with it
 *                everything that was not flushed, as when the power goes and the disk had written nothing by itself;
 *                "hollow": the same, but the disk had written the names, and only the content of the files is lost
 *
 * Nothing goes uncounted: a filter of the kernel lets calls that change files pass only if they come from here. One that a
 * program makes by itself, past the functions below, is caught by the filter and made here; one that this shim does not
 * know ends the program.
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

/* A program that hangs ends by itself. */
#define PATIENCE_SECONDS 120

/* ---- The kernel, asked by one function, by whose place the filter knows it. ---- */

#define KERNEL_BYTES 256
#define KERNEL __attribute__((noinline, aligned(KERNEL_BYTES))) static long

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
KERNEL kernel(long number, long a, long b, long c, long d, long e) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
KERNEL kernel(long number, long a, long b, long c, long d, long e) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}
#else
#error "say here how this processor calls the kernel"
#endif

static long answer(long result) {
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

#define ASK(number, a, b, c, d, e) answer(kernel(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e)))

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

/* ---- What a loss of power would undo, the latest last. ---- */

struct place {
    dev_t device;
    ino_t inode;
};

enum kind { DATA, MADE, MOVED, EXCHANGED, REMOVED, DIRECTORY_MADE, DIRECTORY_REMOVED };

struct change {
    struct change *earlier;
    enum kind kind;
    int is_storage;
    /* DATA: the file, a descriptor of our own, what stood at `offset`, and the former size. */
    struct place file;
    int own;
    off_t offset;
    size_t length;
    char *bytes;
    off_t size;
    /* The others: names, the directories that hold them, and where what was at `to` or `from` is kept. */
    struct place directories[2];
    int waiting[2];
    char *from;
    char *to;
    char *kept;
};

static struct change *changes;

/* How many there are. SQLite's shared memory is no storage: it begins anew after any crash. */
static int is_storage(const char *path) {
    size_t length = strlen(path);
    return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

static long unflushed(void) {
    long number = 0;
    for (struct change *change = changes; change; change = change->earlier) number += change->is_storage;
    return number;
}

static struct change *change(enum kind kind) {
    struct change *change = calloc(1, sizeof *change);
    if (!change) give_up("crash shim: no memory\n");
    change->kind = kind;
    change->earlier = changes;
    changes = change;
    return change;
}

static int same(struct place one, struct place other) {
    return one.device == other.device && one.inode == other.inode;
}

static struct place directory_of(const char *path) {
    char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash) *slash = '\0';
    struct stat status;
    struct place place = {0};
    if (stat(directory, &status) == 0) place = (struct place){status.st_dev, status.st_ino};
    return place;
}

/* A descriptor that reads and writes the file and stays open: closing one would drop the program's locks on it. */
static int own_descriptor(struct place file, int fd) {
    static struct { struct place file; int own; } known[256];
    static size_t length;
    for (size_t i = 0; i < length; i++)
        if (same(known[i].file, file)) return known[i].own;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = (int)ASK(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0, 0);
    if (own < 0 || length == sizeof known / sizeof known[0]) give_up("crash shim: a file cannot be opened again\n");
    known[length].file = file;
    known[length++].own = own;
    return own;
}

/* `length` bytes at `offset` of the file are about to change, or everything from there on. */
static void data_changes(int fd, const char *path, off_t offset, size_t length) {
    struct stat status;
    if (fstat(fd, &status) != 0) give_up("crash shim: a file has no status\n");
    struct change *data = change(DATA);
    data->is_storage = is_storage(path);
    data->file = (struct place){status.st_dev, status.st_ino};
    data->own = own_descriptor(data->file, fd);
    data->size = status.st_size;
    data->offset = offset;
    if (offset < status.st_size) {
        off_t left = status.st_size - offset;
        data->length = length < (size_t)left ? length : (size_t)left;
        data->bytes = malloc(data->length + 1);
        if (!data->bytes || pread(data->own, data->bytes, data->length, offset) != (ssize_t)data->length)
            give_up("crash shim: what a file held cannot be read\n");
    }
}

/* Keeps what lies at `path`, which is about to be replaced or removed. */
static char *keep(const char *path) {
    char kept[PATH_MAX + 32];
    snprintf(kept, sizeof kept, "%s/%ld", grave, ++buried);
    if (ASK(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0) != 0) return NULL;
    return strdup(kept);
}

static struct change *name_changes(enum kind kind, const char *from, const char *to) {
    struct change *name = change(kind);
    name->is_storage = is_storage(to ? to : from);
    const char *paths[2] = {from, to};
    for (int i = 0; i < 2; i++) {
        if (!paths[i]) continue;
        name->directories[i] = directory_of(paths[i]);
        name->waiting[i] = 1;
    }
    name->from = from ? strdup(from) : NULL;
    name->to = to ? strdup(to) : NULL;
    return name;
}

/* The change that was noted last did not happen after all. */
static void never_mind(void) {
    struct change *last = changes;
    if (last->kept) ASK(SYS_unlinkat, AT_FDCWD, last->kept, 0, 0, 0);
    changes = last->earlier;
    free(last->bytes);
    free(last->from);
    free(last->to);
    free(last->kept);
    free(last);
}

static void flushed(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return;
    struct place place = {status.st_dev, status.st_ino};
    struct change **link = &changes;
    while (*link) {
        struct change *change = *link;
        int gone;
        if (change->kind == DATA) {
            gone = same(change->file, place);
        } else {
            for (int i = 0; i < 2; i++)
                if (change->waiting[i] && same(change->directories[i], place)) change->waiting[i] = 0;
            gone = !change->waiting[0] && !change->waiting[1];
        }
        if (gone) *link = change->earlier;
        else link = &change->earlier;
    }
}

static void lose_what_was_not_flushed(void) {
    for (struct change *change = changes; change; change = change->earlier) {
        if (how == HOLLOW && change->kind != DATA) continue;
        switch (change->kind) {
        case DATA:
            if (ASK(SYS_ftruncate, change->own, change->size, 0, 0, 0) != 0) give_up("crash shim: a size cannot be undone\n");
            if (change->length
                && ASK(SYS_pwrite64, change->own, change->bytes, change->length, change->offset, 0) < 0)
                give_up("crash shim: a write cannot be undone\n");
            break;
        case MADE:
            ASK(SYS_unlinkat, AT_FDCWD, change->to, 0, 0, 0);
            break;
        case MOVED:
            ASK(SYS_renameat2, AT_FDCWD, change->to, AT_FDCWD, change->from, 0);
            if (change->kept) ASK(SYS_renameat2, AT_FDCWD, change->kept, AT_FDCWD, change->to, 0);
            break;
        case EXCHANGED:
            ASK(SYS_renameat2, AT_FDCWD, change->to, AT_FDCWD, change->from, RENAME_EXCHANGE);
            break;
        case REMOVED:
            ASK(SYS_renameat2, AT_FDCWD, change->kept, AT_FDCWD, change->from, 0);
            break;
        case DIRECTORY_MADE:
            ASK(SYS_unlinkat, AT_FDCWD, change->to, AT_REMOVEDIR, 0, 0);
            break;
        case DIRECTORY_REMOVED:
            ASK(SYS_mkdirat, AT_FDCWD, change->from, 0700, 0, 0);
            break;
        }
    }
}

/* ---- Counting, and the end. ---- */

static void die(void) {
    ASK(SYS_kill, getpid(), SIGKILL, 0, 0, 0);
    for (;;) pause();
}

/* Begins a counted call; whoever begins one ends it with `done`. */
static void begin(const char *call, const char *path, size_t bytes) {
    char line[PATH_MAX + 96];
    pthread_mutex_lock(&turn);
    count++;
    int length = snprintf(line, sizeof line, "%ld\t%s\t%zu\t%ld\t%s\n", count, call, bytes, unflushed(),
                          path[strlen(root)] ? path + strlen(root) + 1 : ".");
    if (ASK(SYS_write, list, line, length, 0, 0) != length) give_up("crash shim: the list cannot be written\n");
    if (count != at || how == TORN) return;
    if (how == LOST || how == HOLLOW) lose_what_was_not_flushed();
    die();
}

static int tears(void) { return count == at && how == TORN; }

static void done(void) { pthread_mutex_unlock(&turn); }

/* ---- Which file a call is about. ---- */

static int below_root(const char *path) {
    size_t length = strlen(root);
    return length && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The file that is open as `fd`; false if it is not below the root. */
static int concerns_fd(int fd, char path[PATH_MAX]) {
    char link[64];
    if (list < 0 || fd == list) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = kernel(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, PATH_MAX - 1, 0);
    if (length <= 0) return 0;
    path[length] = '\0';
    return below_root(path);
}

/* The absolute name of `name`, seen from `directory`; false if it is not below the root. */
static int concerns(int directory, const char *name, char path[PATH_MAX]) {
    char parent[PATH_MAX], full[PATH_MAX];
    if (list < 0 || !name) return 0;
    if (name[0] == '/' || directory == AT_FDCWD) {
        snprintf(full, sizeof full, "%s", name);
    } else {
        if (!concerns_fd(directory, parent)) return 0;
        if (snprintf(full, sizeof full, "%s/%s", parent, name) >= PATH_MAX) return 0;
    }
    for (size_t end = strlen(full); end > 1 && full[end - 1] == '/'; end--) full[end - 1] = '\0';
    char *slash = strrchr(full, '/');
    const char *last = slash ? slash + 1 : full;
    if (slash) {
        *slash = '\0';
        if (!realpath(full[0] ? full : "/", parent)) return 0;
    } else if (!getcwd(parent, sizeof parent)) {
        return 0;
    }
    if (snprintf(path, PATH_MAX, "%s/%s", parent, last) >= PATH_MAX) return 0;
    return below_root(path);
}

static int exists(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

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

/* ---- Nothing goes past this shim. ---- */

#if defined(__x86_64__)
#define RESULT(registers) (registers)->gregs[REG_RAX]
#define ARGUMENTS(registers)                                                                              \
    {(registers)->gregs[REG_RDI], (registers)->gregs[REG_RSI], (registers)->gregs[REG_RDX],                \
     (registers)->gregs[REG_R10], (registers)->gregs[REG_R8]}
#else
#define RESULT(registers) (registers)->regs[0]
#define ARGUMENTS(registers)                                                                              \
    {(registers)->regs[0], (registers)->regs[1], (registers)->regs[2], (registers)->regs[3], (registers)->regs[4]}
#endif

/* Makes the call of a program that asks the kernel by itself. */
static long made_here(int number, const long a[5]) {
    switch (number) {
    case SYS_write: return write((int)a[0], (void *)a[1], (size_t)a[2]);
    case SYS_writev: return writev((int)a[0], (void *)a[1], (int)a[2]);
    case SYS_pwrite64: return pwrite64((int)a[0], (void *)a[1], (size_t)a[2], a[3]);
    case SYS_pwritev: return pwritev64((int)a[0], (void *)a[1], (int)a[2], a[3]);
    case SYS_ftruncate: return ftruncate64((int)a[0], a[1]);
    case SYS_fallocate: return fallocate64((int)a[0], (int)a[1], a[2], a[3]);
    case SYS_fsync: return fsync((int)a[0]);
    case SYS_fdatasync: return fdatasync((int)a[0]);
    case SYS_openat: return openat((int)a[0], (char *)a[1], (int)a[2], (mode_t)a[3]);
    case SYS_renameat2: return renameat2((int)a[0], (char *)a[1], (int)a[2], (char *)a[3], (unsigned)a[4]);
    case SYS_linkat: return linkat((int)a[0], (char *)a[1], (int)a[2], (char *)a[3], (int)a[4]);
    case SYS_unlinkat: return unlinkat((int)a[0], (char *)a[1], (int)a[2]);
    case SYS_mkdirat: return mkdirat((int)a[0], (char *)a[1], (mode_t)a[2]);
#ifdef SYS_open
    case SYS_open: return open((char *)a[0], (int)a[1], (mode_t)a[2]);
    case SYS_rename: return rename((char *)a[0], (char *)a[1]);
    case SYS_link: return link((char *)a[0], (char *)a[1]);
    case SYS_unlink: return unlink((char *)a[0]);
    case SYS_rmdir: return rmdir((char *)a[0]);
    case SYS_mkdir: return mkdir((char *)a[0], (mode_t)a[1]);
#endif
#ifdef SYS_renameat
    case SYS_renameat: return renameat((int)a[0], (char *)a[1], (int)a[2], (char *)a[3]);
#endif
    case SYS_copy_file_range:
    case SYS_sendfile:
    case SYS_openat2:
        errno = ENOSYS;
        return -1;
    default:
        give_up("crash shim: the program changes files in a way that is not counted\n");
        return -1;
    }
}

static void caught(int signal, siginfo_t *information, void *context) {
    (void)signal;
    int before = errno;
    mcontext_t *registers = &((ucontext_t *)context)->uc_mcontext;
    const long arguments[5] = ARGUMENTS(registers);
    long result = made_here(information->si_syscall, arguments);
    RESULT(registers) = result < 0 ? -errno : result;
    errno = before;
}

static const int WATCHED[] = {
    SYS_write,     SYS_writev,     SYS_pwrite64,  SYS_pwritev,   SYS_pwritev2,       SYS_sendfile,
    SYS_splice,    SYS_ftruncate,  SYS_truncate,  SYS_fallocate, SYS_copy_file_range, SYS_fsync,
    SYS_fdatasync, SYS_sync_file_range, SYS_renameat2, SYS_linkat, SYS_symlinkat,    SYS_unlinkat,
    SYS_mkdirat,   SYS_mknodat,    SYS_openat2,   SYS_io_uring_setup,
#ifdef SYS_rename
    SYS_rename,    SYS_link,       SYS_symlink,   SYS_unlink,    SYS_rmdir,          SYS_mkdir,
    SYS_creat,     SYS_mknod,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
};
#define WATCHED_LENGTH (sizeof WATCHED / sizeof WATCHED[0])

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define LOAD_HIGH(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member) + 4)
#define GIVE(what) BPF_STMT(BPF_RET | BPF_K, what)

static void watch_everything_else(void) {
    /* Aligned as it is, it never lies across a multiple of 2^32, so the lower halves can be compared alone. */
    uintptr_t first = (uintptr_t)&kernel, last = first + KERNEL_BYTES - 1;
    struct sock_filter filter[WATCHED_LENGTH + 32];
    size_t length = 0;
#define ADD(...) filter[length++] = (struct sock_filter)__VA_ARGS__
    ADD(LOAD(arch));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    ADD(GIVE(SECCOMP_RET_KILL_PROCESS));
    ADD(LOAD(nr));
    /* Opening changes something if it makes or empties a file. */
#ifdef SYS_open
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 0, 3));
    ADD(LOAD(args[1]));
    ADD(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, (unsigned char)(WATCHED_LENGTH + 6), 0));
    ADD(GIVE(SECCOMP_RET_ALLOW));
#endif
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3));
    ADD(LOAD(args[2]));
    ADD(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, (unsigned char)(WATCHED_LENGTH + 2), 0));
    ADD(GIVE(SECCOMP_RET_ALLOW));
    for (size_t i = 0; i < WATCHED_LENGTH; i++)
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WATCHED[i], (unsigned char)(WATCHED_LENGTH - i), 0));
    ADD(GIVE(SECCOMP_RET_ALLOW));
    ADD(LOAD_HIGH(instruction_pointer));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(first >> 32), 0, 4));
    ADD(LOAD(instruction_pointer));
    ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)first, 0, 2));
    ADD(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)last, 1, 0));
    ADD(GIVE(SECCOMP_RET_ALLOW));
    ADD(GIVE(SECCOMP_RET_TRAP));
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSYS, &action, NULL) != 0) give_up("crash shim: no handler for SIGSYS\n");
    struct sock_fprog program = {(unsigned short)length, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        give_up("crash shim: the kernel takes no filter (seccomp)\n");
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    if (!value) give_up("crash shim: CRASH_ROOT, CRASH_GRAVE, CRASH_LIST, CRASH_AT and CRASH_HOW say what to do\n");
    return value;
}

__attribute__((constructor)) static void prepare(void) {
    const char *end = setting("CRASH_HOW");
    snprintf(root, sizeof root, "%s", setting("CRASH_ROOT"));
    snprintf(grave, sizeof grave, "%s", setting("CRASH_GRAVE"));
    at = atol(setting("CRASH_AT"));
    how = BEFORE;
    if (strcmp(end, "torn") == 0) how = TORN;
    if (strcmp(end, "lost") == 0) how = LOST;
    if (strcmp(end, "hollow") == 0) how = HOLLOW;
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
