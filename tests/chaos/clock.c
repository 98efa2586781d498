/* Loaded before libc (LD_PRELOAD): shifts the wall clock of one process by the seconds in the file
 * CHAOS_CLOCK, forward or back. Monotonic clocks are not changed. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*machines)(clockid_t, struct timespec *);
    if (!machines)
        machines = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = machines(clock, now);
    if (failed || clock != CLOCK_REALTIME)
        return failed;
    FILE *file = fopen(getenv("CHAOS_CLOCK"), "r");
    if (file) {
        long ahead = 0;
        if (fscanf(file, "%ld", &ahead) == 1)
            now->tv_sec += ahead;
        fclose(file);
    }
    return 0;
}
