/* The guest image: an ELF, embedded or from a file, read through libelf.
 *
 * The image comes from whoever runs wasmvm, not from the guest; yet one that is broken or of
 * another version is refused in one line.  Its segments are whole pages apart, none both writable
 * and executable; those of MAP_CPL0 are the exception entries. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/machine/inside.h"

extern const uint8_t guest_image_start[], guest_image_end[];

static bool file_read(struct image *image, const char *file, const struct names *writable,
                      struct failure *why)
{
    struct stat st;
    if (named_is_guests(writable, file))
        return failure_set(why, "%s: the guest image cannot be used: the program can write there",
                           file);
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool found = fd >= 0 && fstat(fd, &st) == 0, regular = found && S_ISREG(st.st_mode);
    uint8_t *bytes = regular ? malloc(st.st_size ? st.st_size : 1) : NULL;
    ssize_t n = bytes ? read(fd, bytes, st.st_size) : -1;
    int error = errno;
    if (fd >= 0)
        close(fd);
    image->bytes = image->file = bytes;
    if (found && !regular)
        return failure_set(why, "%s: the guest image cannot be read: it is no regular file", file);
    if (!bytes || n != st.st_size)
        return failure_set(why, "%s: the guest image cannot be read: %s", file,
                           n < 0 ? strerror(error) : "it changes");
    image->len = n;
    return true;
}

static bool within(uint64_t at, uint64_t bytes, uint64_t lo, uint64_t limit)
{
    return at >= lo && at - lo <= limit && bytes <= limit - (at - lo);
}

/* NULL, or what is wrong with the segment. */
static const char *segment_add(struct image *image, const GElf_Phdr *ph)
{
    bool cpl0 = within(ph->p_vaddr, ph->p_memsz, MAP_CPL0, PAGE);
    const struct segment *last = image->nsegments ? &image->segments[image->nsegments - 1] : NULL;
    if (image->nsegments == IMAGE_SEGMENTS)
        return "it has too many segments";
    if (!cpl0 && !within(ph->p_vaddr, ph->p_memsz, MAP_IMAGE, MAP_IMAGE_MAX))
        return "a segment lies outside the image's place in the memory map";
    if (ph->p_vaddr % PAGE || (last && ph->p_vaddr < last->at + round_up(last->mem_bytes, PAGE)))
        return "two segments share a page";
    if (!within(ph->p_offset, ph->p_filesz, 0, image->len) || ph->p_filesz > ph->p_memsz)
        return "it is truncated";
    if ((ph->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
        return "a segment is writable and executable";
    if ((ph->p_flags & PF_X) && !cpl0 && (last || ph->p_vaddr % FRAME))
        return "its code is not the first segment, at a 2 MiB boundary";
    image->segments[image->nsegments++] = (struct segment){
        .at = ph->p_vaddr,
        .bytes = image->bytes + ph->p_offset,
        .file_bytes = ph->p_filesz,
        .mem_bytes = ph->p_memsz,
        .rights = (ph->p_flags & PF_W ? TABLES_WRITE : 0) |
                  (ph->p_flags & PF_X ? TABLES_EXECUTE : 0) | (cpl0 ? TABLES_SUPERVISOR : 0),
    };
    return NULL;
}

/* Looks for our note in one segment. */
static bool note_read(Elf *elf, const GElf_Phdr *ph, struct abi_note *out)
{
    Elf_Data *data = elf_getdata_rawchunk(elf, ph->p_offset, ph->p_filesz, ELF_T_NHDR);
    GElf_Nhdr note;
    size_t name, desc, at = 0;
    while (data && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
        const char *bytes = data->d_buf;
        if (note.n_type != ABI_NOTE_TYPE || note.n_namesz != sizeof ABI_NOTE_NAME ||
            note.n_descsz < sizeof out->version ||
            memcmp(bytes + name, ABI_NOTE_NAME, sizeof ABI_NOTE_NAME) != 0)
            continue;
        memcpy(out, bytes + desc, note.n_descsz < sizeof *out ? note.n_descsz : sizeof *out);
        return true;
    }
    return false;
}

static const char *headers_read(struct image *image, Elf *elf, struct abi_note *note)
{
    GElf_Ehdr head;
    size_t n;
    if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &head) || elf_getphdrnum(elf, &n) != 0)
        return "it is not an ELF file";
    if (head.e_machine != EM_X86_64 || head.e_type != ET_EXEC ||
        head.e_ident[EI_CLASS] != ELFCLASS64)
        return "it is not a static x86-64 executable";
    image->entry = head.e_entry;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        const char *wrong = NULL;
        if (!gelf_getphdr(elf, i, &ph))
            return "it is truncated";
        if (ph.p_type == PT_LOAD && ph.p_memsz)
            wrong = segment_add(image, &ph);
        else if (ph.p_type == PT_NOTE && !note->version)
            note_read(elf, &ph, note);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static bool has_code(const struct image *image)
{
    if (image->nsegments < 2)
        return false;
    const struct segment *text = &image->segments[0];
    const struct segment *cpl0 = &image->segments[image->nsegments - 1];
    return text->rights == TABLES_EXECUTE &&
           within(image->entry, 1, text->at, text->mem_bytes) &&
           cpl0->rights == (TABLES_EXECUTE | TABLES_SUPERVISOR) && cpl0->at == MAP_CPL0;
}

bool image_open(struct image *image, const struct config *config, struct failure *why)
{
    static const struct abi_note ours = ABI_NOTE;
    const char *file = config->set->guest_image;
    const char *name = file ? file : "the guest image in wasmvm";
    struct abi_note note = {0};
    *image = (struct image){.bytes = guest_image_start, .len = guest_image_end - guest_image_start};
    if (file && !file_read(image, file, &config->writable, why))
        return false;
    elf_version(EV_CURRENT); /* the one thing that libelf keeps for the process; always the same */
    Elf *elf = elf_memory((char *)(uintptr_t)image->bytes, image->len);
    const char *wrong = elf ? headers_read(image, elf, &note) : "it is not an ELF file";
    elf_end(elf);
    if (!wrong && !note.version)
        wrong = "it is no wasmvm guest image: the version note is missing";
    if (!wrong && memcmp(&note, &ours, sizeof ours) != 0)
        return failure_set(
            why,
            "%s: not usable: its guest interface is version %u (%u calls, %u bytes), "
            "that of this wasmvm %u (%u, %u) (build both together)",
            name, note.version, note.calls, note.control_bytes, ours.version, ours.calls,
            ours.control_bytes);
    if (!wrong && !has_code(image))
        wrong = "it has no entry point or no exception entries";
    return !wrong || failure_set(why, "%s: not usable: %s (use the image built with this wasmvm)",
                                 name, wrong);
}

void image_close(struct image *image)
{
    free(image->file);
    *image = (struct image){0};
}
