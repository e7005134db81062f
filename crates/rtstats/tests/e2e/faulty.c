/* A faulty machine for the server under test: loaded before it (LD_PRELOAD), it answers some system calls as a broken disk
 * or a wrong or hasty clock would. What is wrong is read at each call from a file that the test writes (faulty.rs): numbers of 64 bits.
 * Only files of the data folder that are written by position are touched: those of SQLite. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* A clock that goes so many times as fast: what it shows, and what goes with it, at an instant of the machine's steady clock. */
struct pace {
    _Atomic int64_t from_ns;
    _Atomic int64_t wall_ns;
    _Atomic int64_t steady_ns;
    _Atomic int64_t times;
};

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
    /* Which of the two is in force, from 1; 0: none. A change is of several numbers and is written to the other one. */
    _Atomic int64_t pace_in_force;
    struct pace paces[2];
} none, *control = &none;
static const char *folder = "/";

/* The function of this name in the C library: `syscall` itself is among what is answered here. */
typedef long call(long number, ...);
static long real_call(long number, long a, long b, long c, long d, long e, long f) {
    static call *_Atomic real;
    call *known = atomic_load(&real);
    if (!known) {
        known = (call *)dlsym(RTLD_NEXT, "syscall");
        atomic_store(&real, known);
    }
    return known(number, a, b, c, d, e, f);
}
#define REAL(number, a, b, c, d) real_call(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

__attribute__((constructor)) static void read_control(void) {
    const char *path = getenv("FAULTY_CONTROL"), *below = getenv("FAULTY_FOLDER");
    int file = path ? (int)REAL(SYS_openat, AT_FDCWD, path, O_RDWR, 0) : -1;
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
        if (atomic_load(&control->torn)) REAL(SYS_pwrite64, file, bytes, length / 2, at);
        kill(getpid(), SIGKILL);
    }
    if (fails(&control->write_errno)) return -1;
    return REAL(SYS_pwrite64, file, bytes, length, at);
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return pwrite64(file, bytes, length, at); }

static int synced(int file, long call) {
    if (dies_now()) kill(getpid(), SIGKILL);
    if (fails(&control->sync_errno)) return -1;
    return (int)REAL(call, file, 0, 0, 0);
}
int fsync(int file) { return synced(file, SYS_fsync); }
int fdatasync(int file) { return synced(file, SYS_fdatasync); }

int ftruncate64(int file, off64_t length) {
    if (fails(&control->write_errno)) return -1;
    return (int)REAL(SYS_ftruncate, file, length, 0, 0);
}
int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

static int opened(const char *path, int flags, mode_t mode) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    if (writes && strncmp(path, folder, strlen(folder)) == 0 && fails(&control->open_errno)) return -1;
    return (int)REAL(SYS_openat, AT_FDCWD, path, flags, mode);
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

static const int64_t second_ns = 1000000000;

static int64_t read_ns(clockid_t clock) {
    struct timespec now = {0, 0};
    REAL(SYS_clock_gettime, clock, &now, 0, 0);
    return now.tv_sec * second_ns + now.tv_nsec;
}

static struct pace *pace(void) {
    int64_t which = atomic_load(&control->pace_in_force);
    return which ? &control->paces[which - 1] : NULL;
}
static int64_t passed_ns(struct pace *pace) {
    return (read_ns(CLOCK_MONOTONIC) - atomic_load(&pace->from_ns)) * atomic_load(&pace->times);
}

static int64_t wall_ns(void) {
    struct pace *hasty = pace();
    int64_t now_ns = hasty ? atomic_load(&hasty->wall_ns) + passed_ns(hasty) : read_ns(CLOCK_REALTIME);
    return now_ns + atomic_load(&control->clock_ahead_ms) * 1000000;
}

/* The steady clock is the machine's: time limits of connections, of waiting and of refreshing are as long as ever. Only to
 * the thread that drops what is old by comparing both clocks the steady one goes as fast as the other: it would take each
 * look for a jump of the clock, after which nothing is dropped for an hour. */
static int is_hasty(void) {
    static __thread int known;
    if (!known) {
        char name[16] = "";
        prctl(PR_GET_NAME, name);
        known = strcmp(name, "housekeeping") == 0 ? 1 : -1;
    }
    return known > 0;
}
static int64_t steady_ns(struct pace *hasty) { return atomic_load(&hasty->steady_ns) + passed_ns(hasty); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    struct pace *hasty;
    int64_t now_ns;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        now_ns = wall_ns();
    } else if (clock == CLOCK_MONOTONIC && (hasty = pace()) && is_hasty()) {
        now_ns = steady_ns(hasty);
    } else {
        return (int)REAL(SYS_clock_gettime, clock, now, 0, 0);
    }
    now->tv_sec = now_ns / second_ns;
    now->tv_nsec = now_ns % second_ns;
    return 0;
}
int gettimeofday(struct timeval *now, void *zone) {
    (void)zone;
    int64_t now_ns = wall_ns();
    now->tv_sec = now_ns / second_ns;
    now->tv_usec = now_ns % second_ns / 1000;
    return 0;
}
time_t time(time_t *now) {
    time_t seconds = (time_t)(wall_ns() / second_ns);
    if (now) *now = seconds;
    return seconds;
}

/* A thread waits until an instant of its steady clock; what is left until then passes at the machine's pace. */
long syscall(long number, ...) {
    va_list more;
    va_start(more, number);
    long a = va_arg(more, long), b = va_arg(more, long), c = va_arg(more, long);
    long d = va_arg(more, long), e = va_arg(more, long), f = va_arg(more, long);
    va_end(more);
    struct pace *hasty;
    const struct timespec *until = (const struct timespec *)d;
    int waits = number == SYS_futex && (b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && until;
    if (!waits || !(hasty = pace()) || !is_hasty()) return real_call(number, a, b, c, d, e, f);
    int64_t left_ns = until->tv_sec * second_ns + until->tv_nsec - steady_ns(hasty);
    int64_t until_ns = read_ns(CLOCK_MONOTONIC) + (left_ns > 0 ? left_ns : 0);
    struct timespec then = {until_ns / second_ns, until_ns % second_ns};
    return real_call(number, a, b, c, (long)&then, e, f);
}
