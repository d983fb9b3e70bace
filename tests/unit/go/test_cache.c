/* go/cache.c, overlay.c: the cache holds what it must, whatever was done to it; an unknown Go is
 * refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "go/go.h"

/* The program frees nothing, as it lives for a moment. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static char home[] = "/tmp/test_go_cache.XXXXXX";
static struct file some[] = {
    {"net/a.go", "package net\n", 12},
    {"net/gone.go", NULL, 0},
    {"os/signal/b.go", "package signal\n", 15},
};
static const struct files files = {some, 3};

static char *put(const char *root)
{
    struct cache c;
    cache_open(&c);
    char *overlay = cache_put(&c, &files, root, "");
    close(c.fd);
    free(c.path);
    return overlay;
}

/* The file of the cache that stands for `name`. */
static char *cached(const char *overlay, const char *name)
{
    return text("%.*s/%s", (int)(strrchr(overlay, '/') - overlay), overlay, name);
}

static void holds(const char *path, const char *wanted)
{
    char got[512] = "";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    assert_string_equal(got, wanted);
}

static void write_to(const char *path, const char *words)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(words, f);
    fclose(f);
}

static void test_put(void **state)
{
    (void)state;
    char *overlay = put("/go");
    const char *dir = text("%.*s", (int)(strrchr(overlay, '/') - overlay), overlay);
    holds(cached(overlay, "net/a.go"), "package net\n");
    holds(cached(overlay, "os/signal/b.go"), "package signal\n");
    holds(overlay, text("{\n  \"Replace\": {\n    \"/go/src/net/a.go\": \"%s/net/a.go\",\n"
                        "    \"/go/src/net/gone.go\": \"\",\n"
                        "    \"/go/src/os/signal/b.go\": \"%s/os/signal/b.go\"\n  }\n}\n",
                        dir, dir));
    assert_string_equal(put("/go"), overlay);
    assert_string_not_equal(put("/other"), overlay);
}

/* What somebody who can write there has done; afterwards all is right again. */
static void spoiled(const char *name, void (*spoil)(const char *path))
{
    char *overlay = put("/go");
    spoil(cached(overlay, name));
    assert_string_equal(put("/go"), overlay);
    struct stat st;
    assert_int_equal(lstat(cached(overlay, name), &st), 0);
    assert_true(S_ISREG(st.st_mode) || strcmp(name, "net") == 0);
    assert_int_equal(st.st_mode & 022, 0);
    holds(cached(overlay, "net/a.go"), "package net\n");
}

static void other_bytes(const char *path) { write_to(path, "package evil"); }
static void other_rights(const char *path) { assert_int_equal(chmod(path, 0666), 0); }
static void no_file(const char *path) { assert_int_equal(remove(path), 0); }
static void a_link(const char *path)
{
    const char *same = text("%s/same", home);
    write_to(same, "package net\n");
    remove(path);
    assert_int_equal(symlink(same, path), 0);
}
static void two_names(const char *path)
{
    const char *other = text("%s/other-name", home);
    remove(other);
    assert_int_equal(link(path, other), 0);
}
static void linked_directory(const char *path)
{
    const char *aside = text("%s/aside", home);
    if (access(aside, F_OK) == 0)
        return;
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink(aside, path), 0);
}

static void test_what_was_changed_is_made_anew(void **state)
{
    (void)state;
    spoiled("net/a.go", other_bytes);
    spoiled("net/a.go", other_rights);
    spoiled("net/a.go", no_file);
    spoiled("net/a.go", a_link);
    spoiled("net/a.go", two_names);
    spoiled("overlay.json", other_bytes);
    spoiled("net", linked_directory);
}

static int refused(void (*act)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        assert_non_null(freopen("/dev/null", "w", stderr));
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void put_it(void) { put("/go"); }

static void test_a_directory_that_others_may_use_is_refused(void **state)
{
    (void)state;
    const char *ours = text("%s/cache/wasmvm", home);
    assert_int_equal(refused(put_it), 0);
    assert_int_equal(chmod(ours, 0755), 0);
    assert_int_equal(refused(put_it), EXIT_GO);
    assert_int_equal(chmod(ours, 0700), 0);
    assert_int_equal(refused(put_it), 0);
}

static void test_without_home(void **state)
{
    (void)state;
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    setenv("TMPDIR", home, 1);
    struct cache c;
    cache_open(&c);
    assert_string_equal(c.path, text("%s/wasmvm-go-%u", home, (unsigned)geteuid()));
    setenv("XDG_CACHE_HOME", text("%s/cache", home), 1);
}

static void test_goroot_in_the_module_cache_has_another_name(void **state)
{
    (void)state;
    struct cache c;
    cache_open(&c);
    struct toolchain t = {.root = "/mod/toolchain@v1", .version = "go1.22.12", .mod_cache = "/mod"};
    char *name = cache_root(&c, &t), target[64] = "";
    assert_true(readlink(name, target, sizeof target - 1) > 0);
    assert_string_equal(target, "/mod/toolchain@v1");
    assert_int_equal(remove(name), 0);
    assert_int_equal(symlink("/evil", name), 0);
    assert_string_equal(cache_root(&c, &t), name);
    memset(target, 0, sizeof target);
    assert_true(readlink(name, target, sizeof target - 1) > 0);
    assert_string_equal(target, "/mod/toolchain@v1");
    t.root = "/module/go";
    assert_string_equal(cache_root(&c, &t), "/module/go");
}

/* A GOROOT whose file has no, or two, of what an edit looks for. */
static struct toolchain strange;
static void make_it(void)
{
    struct files made;
    overlay_make(&made, &strange, "go/files");
}

static void test_a_go_that_is_not_known_is_refused(void **state)
{
    (void)state;
    strange = (struct toolchain){.root = text("%s/root", home), .version = "go1.27.9", .minor = 27};
    assert_int_equal(mkdir(strange.root, 0700), 0);
    assert_int_equal(refused(make_it), EXIT_GO);
    assert_int_equal(mkdir(text("%s/src", strange.root), 0700), 0);
    assert_int_equal(refused(make_it), EXIT_GO);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(home));
    setenv("XDG_CACHE_HOME", text("%s/cache", home), 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return system(text("rm -rf %s", home));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_what_was_changed_is_made_anew),
        cmocka_unit_test(test_a_directory_that_others_may_use_is_refused),
        cmocka_unit_test(test_without_home),
        cmocka_unit_test(test_goroot_in_the_module_cache_has_another_name),
        cmocka_unit_test(test_a_go_that_is_not_known_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
