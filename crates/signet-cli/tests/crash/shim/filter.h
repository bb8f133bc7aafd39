/* Nothing goes past this shim. */

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

/* Whatever the filter catches. A program that another one started has its filter, and needs only this. */
static void take_what_is_caught(void) {
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSYS, &action, NULL) != 0) give_up("crash shim: no handler for SIGSYS\n");
}

static void watch_everything_else(void) {
    /* It lies across no multiple of 2^32, so the lower halves can be compared alone. */
    uintptr_t first = (uintptr_t)KERNEL_PLACE, last = first + KERNEL_BYTES - 1;
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
    take_what_is_caught();
    struct sock_fprog program = {(unsigned short)length, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        give_up("crash shim: the kernel takes no filter (seccomp)\n");
}
