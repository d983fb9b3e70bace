/* What tests share whose subject prints, ends the process or opens descriptors. */
#ifndef TESTS_UNIT_VMM_CHILD_H
#define TESTS_UNIT_VMM_CHILD_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* the monitor has its own */

/* Does it in a child.  `out`: what that wrote to `fd`.  Returns its exit status, or -N where signal
 * N ended it. */
static inline int in_child(int fd, char *out, size_t cap, void (*act)(const void *),
                           const void *data)
{
    int ends[2], status;
    size_t used = 0;
    assert_return_code(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], fd);
        act(data);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t n; used < cap - 1 && (n = read(ends[0], out + used, cap - 1 - used)) > 0;)
        used += (size_t)n;
    out[used] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* How many this process has open, by a count that is the same each time. */
static inline int host_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

#endif
