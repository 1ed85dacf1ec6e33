/*
 * Preloaded into psql: says what psql was started with and what libpq makes of the connection, then ends psql.
 *
 * Nothing reaches a network: every attempt to look up a host or to connect is written down and fails at once.
 * The report is a file of records, `name NUL value NUL`, named by ENTRA_PSQL_SPY.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* libpq's public interface, as far as it is used here; its headers need not be installed. */
typedef struct connection connection;

struct setting {
    char *keyword;
    char *variable;
    char *compiled;
    char *value;
    char *label;
    char *display;
    int size;
};

#define CONNECTION_BAD 1

typedef connection *start_params(const char *const *, const char *const *, int);
typedef int status_of(const connection *);
typedef int reset_start(connection *);
typedef char *text_of(const connection *);
typedef struct setting *settings_of(connection *);
typedef int version_of(void);

extern char **environ;

static char report[1 << 20];
static size_t used;
static int listening;

static void put(const char *text)
{
    size_t size = strlen(text) + 1;

    if (used + size > sizeof report)
        _exit(97);
    memcpy(report + used, text, size);
    used += size;
}

static void record(const char *prefix, const char *name, const char *value)
{
    if (value == NULL)
        return;
    put(prefix);
    used--;
    put(name);
    put(value);
}

static void flush(void)
{
    const char *name = getenv("ENTRA_PSQL_SPY");
    int file = name ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (file < 0 || write(file, report, used) != (ssize_t)used)
        _exit(98);
    close(file);
    used = 0;
}

/* Records every string of a file of strings, such as the kernel's copy of our words. */
static void record_strings(const char *kind, const char *name)
{
    static char text[1 << 19];
    size_t size = 0;
    ssize_t got;
    int file = open(name, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        _exit(96);
    while ((got = read(file, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    close(file);
    text[size] = '\0';
    for (size_t at = 0; at < size; at += strlen(text + at) + 1)
        record(kind, "", text + at);
}

/* Programs on the way to psql are let alone: only psql has libpq. */
__attribute__((constructor)) static void begin(void)
{
    if (getenv("ENTRA_PSQL_SPY") == NULL || dlsym(RTLD_NEXT, "PQconnectStartParams") == NULL)
        return;
    /* Without a terminal, psql asks for passwords on standard input, which is at its end. */
    setsid();
    record_strings("word", "/proc/self/cmdline");
    record_strings("variable", "/proc/self/environ");
    flush();
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)hints;
    (void)found;
    if (listening)
        record("lookup:", service ? service : "", node ? node : "");
    return EAI_FAIL;
}

/*
 * The account's home is $HOME to all: libpq looks there up to version 14, and from 15 on where $HOME does not say. A case
 * may part the two.
 */
int getpwuid_r(uid_t uid, struct passwd *account, char *space, size_t size, struct passwd **found)
{
    static int (*next)(uid_t, struct passwd *, char *, size_t, struct passwd **);
    char *parted = getenv("ENTRA_PSQL_SPY_HOME");
    char *home = parted ? parted : getenv("HOME");
    int result;

    if (next == NULL)
        next = (int (*)(uid_t, struct passwd *, char *, size_t, struct passwd **))dlsym(RTLD_NEXT, "getpwuid_r");
    result = next(uid, account, space, size, found);
    if (result == 0 && *found && home && *home)
        account->pw_dir = home;
    return result;
}

int connect(int socket, const struct sockaddr *address, socklen_t size)
{
    static int (*next)(int, const struct sockaddr *, socklen_t);
    const struct sockaddr_un *local = (const struct sockaddr_un *)(const void *)address;
    char path[sizeof local->sun_path + 1] = "";

    if (address->sa_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path)) {
        memcpy(path, local->sun_path, size - offsetof(struct sockaddr_un, sun_path));
        if (path[0] == '\0')
            path[0] = '@';
        /* The system's own look-ups of users and groups may need sockets of theirs. */
        if (strstr(path, "/.s.PGSQL.") == NULL) {
            if (next == NULL)
                next = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
            return next(socket, address, size);
        }
    }
    if (listening)
        record("connect:", "", path);
    errno = ECONNREFUSED;
    return -1;
}

/* Item `n` of a list with commas, in a buffer of its own; empty where there is none. */
static char *item(const char *list, int n)
{
    while (list && n-- > 0) {
        list = strchr(list, ',');
        if (list)
            list++;
    }
    return list ? strndup(list, strcspn(list, ",")) : strdup("");
}

static int count(const char *list)
{
    int n = 1;

    for (; *list; list++)
        n += *list == ',';
    return n;
}

static const char *value_of(const struct setting *settings, const char *keyword)
{
    for (; settings->keyword; settings++)
        if (strcmp(settings->keyword, keyword) == 0)
            return settings->value ? settings->value : "";
    return "";
}

static void forget_variables(void)
{
    for (char **at = environ; *at;) {
        size_t size = strcspn(*at, "=");
        char *name = strndup(*at, size);

        if (strncmp(name, "PG", 2) == 0)
            unsetenv(name);
        else
            at++;
        free(name);
    }
}

/*
 * Says for each host which password libpq would send: everything as it was resolved, but that one host alone.
 * An empty value in these arrays is no value to libpq, so that the variables must go first.
 */
static void record_passwords(const struct setting *settings, start_params *start, text_of *password)
{
    const char *hosts = value_of(settings, "host");
    const char *addresses = value_of(settings, "hostaddr");
    const char *ports = value_of(settings, "port");
    int hosts_given = count(*addresses ? addresses : hosts);
    const char *names[128], *values[128];

    forget_variables();
    for (int n = 0; n < hosts_given; n++) {
        int size = 0;

        for (const struct setting *at = settings; at->keyword; at++) {
            if (at->value == NULL || strcmp(at->keyword, "service") == 0)
                continue;
            names[size] = at->keyword;
            values[size] = at->value;
            if (strcmp(at->keyword, "host") == 0)
                values[size] = item(hosts, n);
            else if (strcmp(at->keyword, "hostaddr") == 0)
                values[size] = item(addresses, n);
            else if (strcmp(at->keyword, "port") == 0)
                values[size] = item(ports, count(ports) == 1 ? 0 : n);
            size++;
        }
        names[size] = values[size] = NULL;
        record("password", "", password(start(names, values, 0)));
    }
}

/* Takes the place of libpq's: what it would connect with is recorded, and psql ends. */
connection *PQconnectdbParams(const char *const *names, const char *const *values, int expand)
{
    start_params *start = (start_params *)dlsym(RTLD_NEXT, "PQconnectStartParams");
    status_of *status = (status_of *)dlsym(RTLD_NEXT, "PQstatus");
    reset_start *reset = (reset_start *)dlsym(RTLD_NEXT, "PQresetStart");
    text_of *message = (text_of *)dlsym(RTLD_NEXT, "PQerrorMessage");
    text_of *password = (text_of *)dlsym(RTLD_NEXT, "PQpass");
    settings_of *settings_now = (settings_of *)dlsym(RTLD_NEXT, "PQconninfo");
    version_of *version = (version_of *)dlsym(RTLD_NEXT, "PQlibVersion");
    char number[16];
    connection *opened;
    struct setting *settings;
    int settled;

    snprintf(number, sizeof number, "%d", version());
    record("libpq", "", number);
    for (int n = 0; names[n]; n++)
        record("given:", names[n], values[n]);

    listening = 1;
    opened = start(names, values, expand);
    listening = 0;

    settings = settings_now(opened);
    record("message", "", message(opened));
    /*
     * A connection whose parameters were refused makes no attempt when it is reset, and so has no complaint; all
     * others fail again and say so.
     */
    settled = status(opened) != CONNECTION_BAD;
    if (!settled) {
        reset(opened);
        settled = message(opened)[0] != '\0';
    }
    record("settled", "", settled ? "yes" : "no");
    for (struct setting *at = settings; at->keyword; at++) {
        record("known:", at->keyword, at->variable ? at->variable : "");
        record("compiled:", at->keyword, at->compiled);
        record("resolved:", at->keyword, at->value);
    }
    if (settled)
        record_passwords(settings, start, password);
    flush();
    _exit(0);
}
