/* probe, in C: see probe/main.go. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void must(int ok)
{
    if (!ok) {
        fprintf(stderr, "probe: %s\n", strerror(errno));
        exit(1);
    }
}

static void list(const char *path)
{
    int entries = 0, directories = 0, bytes = 0;
    DIR *dir = opendir(path);
    must(dir != NULL);
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        entries++;
        directories += e->d_type == DT_DIR;
        for (const char *c = e->d_name; *c; c++)
            bytes += (unsigned char)*c;
    }
    closedir(dir);
    printf("%d entries, %d directories, names %d\n", entries, directories, bytes);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    must(file && fprintf(file, "%s\n", text) > 0 && fclose(file) == 0);
}

static void get(const char *path)
{
    FILE *file = fopen(path, "r");
    must(file != NULL);
    for (int c; (c = getc(file)) != EOF;)
        putchar(c);
}

static const char *joined(const char *dir, const char *name)
{
    static char path[2][1000];
    static int turn;
    snprintf(path[turn ^= 1], sizeof path[0], "%s/%s", dir, name);
    return path[turn];
}

static void tree(const char *dir)
{
    struct stat info;
    must(mkdir(joined(dir, "d"), 0777) == 0);
    put(joined(dir, "d/x"), "tree");
    must(rename(joined(dir, "d/x"), joined(dir, "d/y")) == 0);
    list(joined(dir, "d"));
    must(stat(joined(dir, "d/y"), &info) == 0);
    printf("y has %d bytes\n", (int)info.st_size);
    printf("x is gone: %s\n",
           stat(joined(dir, "d/x"), &info) != 0 && errno == ENOENT ? "true" : "false");
    must(unlink(joined(dir, "d/y")) == 0);
    must(rmdir(joined(dir, "d")) == 0);
    list(dir);
}

static double now(clockid_t clock)
{
    struct timespec t;
    must(clock_gettime(clock, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (strcmp(argv[1], "args") == 0) {
        for (int i = 1; i < argc; i++)
            puts(argv[i]);
    } else if (strcmp(argv[1], "env") == 0) {
        puts(getenv(argv[2]) ? getenv(argv[2]) : "unset");
    } else if (strcmp(argv[1], "exit") == 0) {
        puts("leaving");
        exit(atoi(argv[2]));
    } else if (strcmp(argv[1], "put") == 0) {
        put(argv[2], argv[3]);
    } else if (strcmp(argv[1], "get") == 0) {
        get(argv[2]);
    } else if (strcmp(argv[1], "tree") == 0) {
        tree(argv[2]);
    } else if (strcmp(argv[1], "time") == 0) {
        double start = now(CLOCK_MONOTONIC), wall = now(CLOCK_REALTIME);
        nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
        printf("%lld %d\n", (long long)wall, (int)((now(CLOCK_MONOTONIC) - start) * 1000));
    }
    return 0;
}
