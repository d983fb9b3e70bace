/* The fuzz target of guest images: any bytes as the file of --guest-image.  What is taken is whole,
 * in its place of the memory map, and nothing of it is writable and executable. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/machine/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void holds(bool good)
{
    if (!good)
        abort();
}

static uint64_t bytes_sum(const struct segment *s)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < s->file_bytes; i++)
        sum += s->bytes[i];
    return sum;
}

static void image_holds(const struct image *image)
{
    uint64_t sum = 0; /* so that each byte is read */
    uint64_t end = 0;
    holds(image->nsegments >= 2 && image->nsegments <= IMAGE_SEGMENTS);
    for (unsigned i = 0; i < image->nsegments; i++) {
        const struct segment *s = &image->segments[i];
        bool cpl0 = s->at >= MAP_CPL0 && s->at + s->mem_bytes <= MAP_CPL0 + PAGE;
        holds(s->at % PAGE == 0 && s->at >= end && s->file_bytes <= s->mem_bytes &&
              s->mem_bytes > 0);
        holds(cpl0 || (s->at >= MAP_IMAGE && s->mem_bytes <= MAP_IMAGE + MAP_IMAGE_MAX - s->at));
        holds((s->rights & (TABLES_WRITE | TABLES_EXECUTE)) != (TABLES_WRITE | TABLES_EXECUTE));
        holds(cpl0 == !!(s->rights & TABLES_SUPERVISOR));
        holds(s->bytes >= image->bytes && s->bytes + s->file_bytes <= image->bytes + image->len);
        end = s->at + round_up(s->mem_bytes, PAGE);
        sum += bytes_sum(s);
    }
    holds(sum != UINT64_MAX);
    holds(image->entry >= image->segments[0].at &&
          image->entry < image->segments[0].at + image->segments[0].mem_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char name[64];
    struct settings set = { .guest_image = name };
    struct config config = { .set = &set };
    struct image image;
    struct failure why;
    int fd = memfd_create("image", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (image_open(&image, &config, &why))
        image_holds(&image);
    image_close(&image);
    close(fd);
    return 0;
}
