/* Writes the words of every program that is started to the file that EXEC_LOG names, one program a line. Loaded
   by LD_PRELOAD into all of them, so that nothing that is started escapes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void note(const char *path, char *const words[])
{
    const char *log = getenv("EXEC_LOG");
    char line[65536];
    size_t length = 0;
    int file = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    for (int at = -1; at < 0 || words[at]; at++) {
        const char *word = at < 0 ? path : words[at];
        size_t size = strlen(word);

        if (length + size + 2 > sizeof line)
            size = sizeof line - length - 2;
        memcpy(line + length, word, size);
        length += size;
        line[length++] = ' ';
    }
    line[length++] = '\n';
    if (file >= 0) {
        ssize_t written = write(file, line, length);
        (void) written;
        close(file);
    }
}

int execve(const char *path, char *const words[], char *const variables[])
{
    int (*real)(const char *, char *const[], char *const[]) = dlsym(RTLD_NEXT, "execve");
    note(path, words);
    return real(path, words, variables);
}

int execv(const char *path, char *const words[])
{
    return execve(path, words, environ);
}

int execvp(const char *path, char *const words[])
{
    int (*real)(const char *, char *const[]) = dlsym(RTLD_NEXT, "execvp");
    note(path, words);
    return real(path, words);
}

int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const words[], char *const variables[])
{
    int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                char *const[], char *const[]) = dlsym(RTLD_NEXT, "posix_spawn");
    note(path, words);
    return real(child, path, actions, attributes, words, variables);
}

int posix_spawnp(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const words[], char *const variables[])
{
    int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                char *const[], char *const[]) = dlsym(RTLD_NEXT, "posix_spawnp");
    note(path, words);
    return real(child, path, actions, attributes, words, variables);
}
