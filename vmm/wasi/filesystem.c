/* The kinds of file systems that are used: those that hold files.  Any other is refused, whatever
 * was granted: through procfs, sysfs, message queues, terminals of others and their like a guest
 * would reach the monitor or the kernel. */
#include "vmm/wasi/inside.h"

#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

struct kind { uint32_t magic; const char *name; };

/* By f_type of statfs(2), which is the kernel's number for each (its magic.h, or the file system's
 * own source). */
static const struct kind files[] = {
    /* on disks */
    { 0x0000ef53, "ext2, ext3, ext4" },
    { 0x58465342, "xfs" },
    { 0x9123683e, "btrfs" },
    { 0x2fc12fc1, "zfs" },
    { 0xca451a4e, "bcachefs" },
    { 0xf2f52010, "f2fs" },
    { 0x3153464a, "jfs" },
    { 0x52654973, "reiserfs" },
    { 0x00003434, "nilfs2" },
    { 0x00004d44, "vfat" },
    { 0x2011bab0, "exfat" },
    { 0x5346544e, "ntfs" },
    { 0x7366746e, "ntfs3" },
    { 0x00004244, "hfs" },
    { 0x0000482b, "hfsplus" },
    { 0x00011954, "ufs" },
    { 0x24051905, "ubifs" },
    { 0x000072b6, "jffs2" },
    /* images */
    { 0x73717368, "squashfs" },
    { 0xe0f5e1e2, "erofs" },
    { 0x00009660, "iso9660" },
    { 0x15013346, "udf" },
    { 0x28cd3d45, "cramfs" },
    { 0x00007275, "romfs" },
    /* in memory, and on top of others */
    { 0x01021994, "tmpfs" },
    { 0x858458f6, "ramfs" },
    { 0x794c7630, "overlay" },
    { 0x61756673, "aufs" },
    { 0x0000f15f, "ecryptfs" },
    { 0x65735546, "fuse, virtiofs" },
    /* of other machines */
    { 0x00006969, "nfs" },
    { 0x01021997, "9p" },
    { 0xff534d42, "cifs" },
    { 0xfe534d42, "smb2" },
    { 0x00c36400, "ceph" },
    { 0x6b414653, "afs" },
    { 0x5346414f, "openafs" },
    { 0x73757245, "coda" },
    { 0x01161970, "gfs2" },
    { 0x7461636f, "ocfs2" },
    { 0x0bd00bd0, "lustre" },
    { 0x47504653, "gpfs" },
    { 0x20030528, "orangefs" },
    { 0x19830326, "beegfs" },
    { 0x786f4256, "vboxsf" },
    { 0xbacbacbc, "vmhgfs" },
};

/* Only for the words of a refusal. */
static const struct kind others[] = {
    { 0x00009fa0, "proc" },     { 0x62656572, "sysfs" },      { 0x64626720, "debugfs" },
    { 0x74726163, "tracefs" },  { 0xcafe4a11, "bpf" },        { 0x0027e0eb, "cgroup" },
    { 0x63677270, "cgroup2" },  { 0x73636673, "securityfs" }, { 0xf97cff8c, "selinuxfs" },
    { 0xde5e81e4, "efivarfs" }, { 0x6165676c, "pstore" },     { 0x42494e4d, "binfmt_misc" },
    { 0x6e736673, "nsfs" },     { 0x62656570, "configfs" },   { 0x65735543, "fusectl" },
    { 0x19800202, "mqueue" },   { 0x958458f6, "hugetlbfs" },  { 0x00001cd1, "devpts" },
    { 0x00000187, "autofs" },   { 0x67596969, "rpc_pipefs" }, { 0x6c6f6f70, "binder" },
    { 0x6e667364, "nfsd" },     { 0x0a647361, "functionfs" },
};

static const char *kind_name(const struct kind *kinds, size_t n, uint32_t magic)
{
    for (size_t i = 0; i < n; i++)
        if (kinds[i].magic == magic)
            return kinds[i].name;
    return NULL;
}

void path_refused(struct wasi *w, const char *path, const char *why)
{
    if (w->refused.count++ == 0) {
        snprintf(w->refused.path, sizeof w->refused.path, "%s", path);
        snprintf(w->refused.why, sizeof w->refused.why, "%s", why);
    }
}

bool filesystem_refused(struct wasi *w, int host, const char *path, uint32_t *err)
{
    struct statfs fs;
    char why[sizeof w->refused.why];
    *err = WASI_PERM;
    if (fstatfs(host, &fs) < 0) {
        *err = wasi_errno(errno);
        return true;
    }
    uint32_t magic = (uint32_t)fs.f_type;
    if (kind_name(files, sizeof files / sizeof *files, magic))
        return false;
    const char *name = kind_name(others, sizeof others / sizeof *others, magic);
    snprintf(why, sizeof why, "its file system (%s, 0x%x) is not of a kind that is used",
             name ? name : "unknown", magic);
    path_refused(w, path, why);
    return true;
}
