/* Counts the runs of the real psql in $HOME/runs, and keeps it silent for good if it is asked about
   `system` and $SILENT_PSQL is set. Loaded by LD_PRELOAD, so that psql stays the program that it
   is. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void
count(int argc, char **argv)
{
    char file[4096];
    FILE *runs;

    if (strcmp(program_invocation_short_name, "psql") != 0)
        return;
    snprintf(file, sizeof file, "%s/runs", getenv("HOME"));
    runs = fopen(file, "a");
    if (runs != NULL)
    {
        fputs("run\n", runs);
        fclose(runs);
    }
    if (argc > 1 && strstr(argv[argc - 1], "sslrootcert=system") != NULL && getenv("SILENT_PSQL") != NULL)
        for (;;)
            pause();
}
