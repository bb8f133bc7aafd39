/* What a loss of power would undo, the latest first. */

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
