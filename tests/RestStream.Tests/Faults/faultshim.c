/*
 * Stands in front of libc's file calls of one process (LD_PRELOAD) and does harm on order: see FaultShim.cs.
 * The orders are a memory-mapped file named by FAULT_ORDERS: int32 action, calls (bit mask), when (0 = always), seen, hit.
 * dlsym is replaced too: .NET looks up P/Invoke targets in libc itself, past LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, FLUSH = 2, RENAME = 4, DELETE = 8, TRUNCATE = 16, RESERVE = 32 };
enum { NONE, KILL_BEFORE, KILL_AFTER, TORN_WRITE, IO_ERROR, NO_SPACE, SLOW, SHORT_WRITE };

struct orders { volatile int32_t action, calls, when, seen, hit; };

static struct orders *orders;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULT_ORDERS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED)
        orders = map;
}

static void die(void)
{
    kill(getpid(), 9);
    for (;;)
        pause();
}

/* What to do with this call; NONE for nearly all. */
static int ordered(int call)
{
    if (!orders || !(orders->calls & call))
        return NONE;
    int seen = __sync_add_and_fetch(&orders->seen, 1);
    int action = orders->action;
    if (action == NONE || (orders->when && seen != orders->when))
        return NONE;
    __sync_add_and_fetch(&orders->hit, 1);
    if (action == KILL_BEFORE)
        die();
    if (action == SLOW)
        usleep(300000);
    return action;
}

#define GUARD(call, real)                                      \
    do {                                                       \
        int action = ordered(call);                            \
        if (action == IO_ERROR || action == NO_SPACE) {        \
            errno = action == IO_ERROR ? EIO : ENOSPC;         \
            return -1;                                         \
        }                                                      \
        long result = (real);                                  \
        if (action == KILL_AFTER || action == TORN_WRITE)      \
            die();                                             \
        return result;                                         \
    } while (0)

static ssize_t write_at(int file, const void *bytes, size_t count, off_t position)
{
    int action = ordered(WRITE);
    if (action == IO_ERROR || action == NO_SPACE) {
        errno = action == IO_ERROR ? EIO : ENOSPC;
        return -1;
    }
    if ((action == TORN_WRITE || action == SHORT_WRITE) && count > 1)
        count /= 2;
    ssize_t result = syscall(SYS_pwrite64, file, bytes, count, position);
    if (action == KILL_AFTER || action == TORN_WRITE)
        die();
    return result;
}

static ssize_t write_pieces(int file, const struct iovec *pieces, int count, off_t position)
{
    int action = ordered(WRITE);
    if (action == IO_ERROR || action == NO_SPACE) {
        errno = action == IO_ERROR ? EIO : ENOSPC;
        return -1;
    }
    if (action == TORN_WRITE || action == SHORT_WRITE) {
        /* The first half of the pieces, and half of the one in the middle. */
        ssize_t done = count < 2 ? 0 : syscall(SYS_pwritev, file, pieces, count / 2, (unsigned long)position, 0UL);
        if (done >= 0) {
            const struct iovec *middle = &pieces[count / 2];
            ssize_t more = syscall(SYS_pwrite64, file, middle->iov_base, (middle->iov_len + 1) / 2, position + done);
            done = more < 0 ? more : done + more;
        }
        if (action == TORN_WRITE)
            die();
        return done;
    }
    ssize_t result = syscall(SYS_pwritev, file, pieces, count, (unsigned long)position, 0UL);
    if (action == KILL_AFTER)
        die();
    return result;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t position) { return write_at(file, bytes, count, position); }
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t position) { return write_at(file, bytes, count, position); }
ssize_t pwritev(int file, const struct iovec *pieces, int count, off_t position) { return write_pieces(file, pieces, count, position); }
ssize_t pwritev64(int file, const struct iovec *pieces, int count, off64_t position) { return write_pieces(file, pieces, count, position); }
int fsync(int file) { GUARD(FLUSH, syscall(SYS_fsync, file)); }
int fdatasync(int file) { GUARD(FLUSH, syscall(SYS_fdatasync, file)); }
int rename(const char *from, const char *to) { GUARD(RENAME, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)); }
int unlink(const char *path) { GUARD(DELETE, syscall(SYS_unlinkat, AT_FDCWD, path, 0)); }
int ftruncate(int file, off_t length) { GUARD(TRUNCATE, syscall(SYS_ftruncate, file, length)); }
int ftruncate64(int file, off64_t length) { GUARD(TRUNCATE, syscall(SYS_ftruncate, file, length)); }
int fallocate64(int file, int mode, off64_t from, off64_t length) { GUARD(RESERVE, syscall(SYS_fallocate, file, mode, from, length)); }
int fallocate(int file, int mode, off_t from, off_t length) { GUARD(RESERVE, syscall(SYS_fallocate, file, mode, from, length)); }

static void *(*real_dlsym)(void *, const char *);

void *dlsym(void *handle, const char *name)
{
    static const struct { const char *name; void *function; } replaced[] = {
        { "pwritev", pwritev }, { "pwrite", pwrite }, { "fsync", fsync }, { "fdatasync", fdatasync }, { "rename", rename },
        { "unlink", unlink }, { "ftruncate", ftruncate }, { "fallocate", fallocate },
    };
    if (!real_dlsym) {
        real_dlsym = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (!real_dlsym)
            real_dlsym = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        if (!real_dlsym)
            real_dlsym = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
    }
    if (orders && handle != RTLD_NEXT) {
        for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
            if (!strcmp(name, replaced[i].name))
                return replaced[i].function;
    }
    return real_dlsym(handle, name);
}
