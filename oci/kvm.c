/* /dev/kvm for a container, by a descriptor: no device node in there, and no right to open one. */
#include "oci/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVICE "/dev/kvm"
enum { DEVICE_MAJOR = 10, DEVICE_MINOR = 232 }; /* Linux's list of devices */

unsigned kvm_number(const struct words *w)
{
    return FIRST_PASSED + words_sockets() + words_preserved(w);
}

void kvm_hand(struct words *w)
{
    struct stat st;
    int number = (int)kvm_number(w), fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        refuse(DEVICE ": %s (wasmvm needs KVM)", strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) ||
        st.st_rdev != makedev(DEVICE_MAJOR, DEVICE_MINOR))
        refuse(DEVICE ": it is not KVM's device");
    if (fd == number ? fcntl(fd, F_SETFD, 0) != 0 : dup2(fd, number) != number)
        refuse(DEVICE ": descriptor %d cannot be had: %s", number, strerror(errno));
    w->preserve_fds = text("%u", words_preserved(w) + 1);
}
