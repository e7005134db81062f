/* A faulty machine for the server under test: loaded before it (LD_PRELOAD), it answers some system calls as a broken disk
 * or a wrong clock would. What is wrong is read at each call from a file that the test writes (faulty.rs): numbers of 64 bits.
 * Only files of the data folder that are written by position are touched: those of SQLite. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The order is that of faulty.rs. */
static struct control {
    _Atomic int64_t clock_ahead_ms;
    _Atomic int64_t write_errno;
    _Atomic int64_t sync_errno;
    _Atomic int64_t open_errno;
    /* Counted down at each write and sync; as it reaches 0 the process is killed. 0: never. */
    _Atomic int64_t kill_in;
    /* Whether half of the write that kills still goes out. */
    _Atomic int64_t torn;
} none, *control = &none;
static const char *folder = "/";

__attribute__((constructor)) static void read_control(void) {
    const char *path = getenv("FAULTY_CONTROL"), *below = getenv("FAULTY_FOLDER");
    int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR, 0) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) control = mapped;
    if (below) folder = below;
    close(file);
}

static int dies_now(void) {
    if (atomic_load(&control->kill_in) <= 0) return 0;
    return atomic_fetch_sub(&control->kill_in, 1) == 1;
}

static int fails(_Atomic int64_t *with) {
    int64_t error = atomic_load(with);
    if (error == 0) return 0;
    errno = (int)error;
    return 1;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    if (dies_now()) {
        if (atomic_load(&control->torn)) syscall(SYS_pwrite64, file, bytes, length / 2, at);
        kill(getpid(), SIGKILL);
    }
    if (fails(&control->write_errno)) return -1;
    return syscall(SYS_pwrite64, file, bytes, length, at);
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return pwrite64(file, bytes, length, at); }

static int synced(int file, long call) {
    if (dies_now()) kill(getpid(), SIGKILL);
    if (fails(&control->sync_errno)) return -1;
    return (int)syscall(call, file);
}
int fsync(int file) { return synced(file, SYS_fsync); }
int fdatasync(int file) { return synced(file, SYS_fdatasync); }

int ftruncate64(int file, off64_t length) {
    if (fails(&control->write_errno)) return -1;
    return (int)syscall(SYS_ftruncate, file, length);
}
int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

static int opened(const char *path, int flags, mode_t mode) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    if (writes && strncmp(path, folder, strlen(folder)) == 0 && fails(&control->open_errno)) return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
#define OPENED(path, flags)                        \
    mode_t mode = 0;                               \
    if ((flags) & O_CREAT) {                       \
        va_list more;                              \
        va_start(more, flags);                     \
        mode = (mode_t)va_arg(more, int);          \
        va_end(more);                              \
    }                                              \
    return opened(path, flags, mode)
int open64(const char *path, int flags, ...) { OPENED(path, flags); }
int open(const char *path, int flags, ...) { OPENED(path, flags); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    int64_t ahead_ms = atomic_load(&control->clock_ahead_ms);
    if (failed == 0 && clock == CLOCK_REALTIME && ahead_ms != 0) {
        int64_t ns = now->tv_nsec + ahead_ms % 1000 * 1000000;
        int64_t carry = ns < 0 ? -1 : ns / 1000000000;
        now->tv_sec += ahead_ms / 1000 + carry;
        now->tv_nsec = ns - carry * 1000000000;
    }
    return failed;
}
