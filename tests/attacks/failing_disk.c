/* Loaded before the C library: of all calls that open, write, sync, rename, cut or make something below a folder, the
   one with a given number fails. failing_disk.py compiles this and says which.

   Calls from inside the C library, such as those of fwrite, do not come by here. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];           /* empty: nothing is counted */
static long calls, chosen;
static int error, from_then_on;

/* From now on, call `number` below `path` fails with `errno_`, and with `lasting` all that follow it. */
void fail_call(const char *path, long number, int errno_, int lasting)
{
    snprintf(folder, sizeof folder, "%s", path);
    calls = 0;
    chosen = number;
    error = errno_;
    from_then_on = lasting;
}

long counted_calls(void) { return calls; }

static int fails(const char *path)
{
    char absolute[2 * PATH_MAX] = "";
    if (!folder[0] || !path)
        return 0;
    if (path[0] != '/' && getcwd(absolute, PATH_MAX))
        strcat(absolute, "/");
    strncat(absolute, path, PATH_MAX - 1);
    if (strncmp(absolute, folder, strlen(folder)))
        return 0;
    long number = __sync_fetch_and_add(&calls, 1);
    if (number != chosen && !(from_then_on && number > chosen))
        return 0;
    errno = error;
    return 1;
}

static int file_fails(int file)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    return fails(path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                  \
    int name(const char *path, int flags, ...)                                      \
    {                                                                               \
        va_list more;                                                               \
        va_start(more, flags);                                                      \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;   \
        va_end(more);                                                               \
        return fails(path) ? -1 : NEXT(name)(path, flags, mode);                    \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                \
    int name(int at, const char *path, int flags, ...)                              \
    {                                                                               \
        va_list more;                                                               \
        va_start(more, flags);                                                      \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;   \
        va_end(more);                                                               \
        return fails(path) ? -1 : NEXT(name)(at, path, flags, mode);                \
    }
OPENAT(openat)
OPENAT(openat64)

#define FILE_CALL(type, name, declared, given) \
    type name declared { return file_fails(file) ? -1 : NEXT(name) given; }
FILE_CALL(ssize_t, write, (int file, const void *data, size_t size), (file, data, size))
FILE_CALL(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
FILE_CALL(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
FILE_CALL(ssize_t, writev, (int file, const struct iovec *data, int count), (file, data, count))
FILE_CALL(int, fsync, (int file), (file))
FILE_CALL(int, fdatasync, (int file), (file))
FILE_CALL(int, ftruncate, (int file, off_t size), (file, size))
FILE_CALL(int, ftruncate64, (int file, off64_t size), (file, size))

#define PATH_CALL(name, declared, given) \
    int name declared { return fails(path) ? -1 : NEXT(name) given; }
PATH_CALL(rename, (const char *path, const char *to), (path, to))
PATH_CALL(renameat, (int from, const char *path, int at, const char *to), (from, path, at, to))
PATH_CALL(mkdir, (const char *path, mode_t mode), (path, mode))
