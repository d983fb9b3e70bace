/* Descriptors that the caller left open in this process: a jailed run has them no more.
 *
 * They are closed at once where no word can mean one of them (/dev/fd/N, systemd's sockets, a
 * descriptor of /dev/kvm), else once all words are opened: ours are those that an exec would close.
 * Libraries of plug-ins in this process may use them, so with one they stay. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cli/plugin.h"

#define FIRST 3
#define DESCRIPTORS "/proc/self/fd"

static bool words_mean_some(const struct command *command, const struct start *start)
{
    bool some = command->listen_fds || command->kvm_fd || command->into.image_fd ||
                command->into.list_fd;
    for (int i = 1; i < start->argc && !some; i++)
        some = strstr(start->argv[i], "/fd/") != NULL;
    return some;
}

bool inherited_close(const struct command *command, const struct start *start)
{
    if (command->jail == JAIL_OFF || command->jail == JAIL_NEVER ||
        (command->plugins.n && plugins_within(command)))
        return true;
    return !words_mean_some(command, start) && close_range(FIRST, ~0u, 0) == 0;
}

void inherited_close_rest(void)
{
    DIR *dir = opendir(DESCRIPTORS);
    if (!dir)
        fail("the jail: " DESCRIPTORS ": %s (--jail=off runs without)", strerror(errno));
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        int fd = (int)strtol(e->d_name, NULL, 10);
        int flags = fd >= FIRST ? fcntl(fd, F_GETFD) : -1;
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            close(fd);
    }
    closedir(dir);
}
