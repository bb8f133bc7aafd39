/* Counting, the end, and which file a call is about. */

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

/* What threads do comes in another order each time: where the call of this number writes nothing, the next one that does. */
static int tears(void) { return at && count >= at && how == TORN; }

static void done(void) { pthread_mutex_unlock(&turn); }

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
