/* What is said: to stderr, as engines show it, and to the runtime's log, where containerd looks
 * first. */
#include "oci/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *file;
    bool json;
} log_to;

void *allocated(void *p)
{
    if (p)
        return p;
    fputs("wasmvm-oci: no memory\n", stderr);
    exit(1);
}

static char *text_of(const char *format, va_list args)
{
    char *out = NULL;
    return vasprintf(&out, format, args) < 0 ? allocated(NULL) : out;
}

char *text(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *out = text_of(format, args);
    va_end(args);
    return out;
}

void say_to(const char *log, const char *format)
{
    log_to.file = log;
    log_to.json = format && strcmp(format, "json") == 0;
}

/* One line, whatever names stand in it: others' words are shown with control characters as `?`. */
static char *one_line(char *words)
{
    for (char *c = words; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return words;
}

static const char *log_line(const char *level, const char *words)
{
    char now[32];
    time_t t = time(NULL);
    struct tm utc;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &utc));
    if (!log_to.json)
        return text("time=\"%s\" level=%s msg=\"wasmvm-oci: %s\"\n", now, level, words);
    struct json_object *line = allocated(json_object_new_object());
    json_object_object_add(line, "level", json_object_new_string(level));
    json_object_object_add(line, "msg", json_object_new_string(text("wasmvm-oci: %s", words)));
    json_object_object_add(line, "time", json_object_new_string(now));
    return text("%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* As runc opens it.  A log that cannot be written changes nothing. */
static void log_write(const char *level, const char *words)
{
    if (!log_to.file)
        return;
    const char *line = log_line(level, words);
    int fd =
        open(log_to.file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
    if (fd < 0)
        return;
    if (write(fd, line, strlen(line)) < 0)
        errno = 0;
    close(fd);
}

void refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *words = one_line(text_of(format, args));
    va_end(args);
    log_write("error", words);
    fprintf(stderr, "wasmvm-oci: %s\n", words);
    exit(1);
}

void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *words = one_line(text_of(format, args));
    va_end(args);
    log_write("warning", words);
}
