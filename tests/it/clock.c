/* A wall clock that is wrong by as many seconds as the file says that CLOCK_FILE names. Clocks that count on from an
   event are right. Loaded by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long offset(void)
{
    const char *name = getenv("CLOCK_FILE");
    char text[32];
    ssize_t length = 0;
    int before = errno;
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;

    if (file >= 0) {
        length = read(file, text, sizeof text - 1);
        close(file);
    }
    errno = before;
    text[length > 0 ? length : 0] = 0;
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int outcome = real(clock, time);

    if (outcome == 0 && clock == CLOCK_REALTIME)
        time->tv_sec += offset();
    return outcome;
}
