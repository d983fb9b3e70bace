/* A wasmvm plug-in: a key-value store, with SQLite behind it.
 *
 *   gcc -shared -fPIC -I INCLUDE -o kv.so kv.c -lsqlite3
 *   wasmvm --plugin ./kv.so,db=store.sqlite app.wasm
 *
 * Keys and values are byte strings.  A function's result is a length or 0, or one of
 *
 *   -1  there is no such key        -2  the store failed (a line on stderr says why) */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "wasmvm_plugin.h"

#define KEY_MOST   (64u << 10)
#define VALUE_MOST (16u << 20)

enum statement { GET, PUT, REMOVE, NEXT, STATEMENTS };
static const char *const sql[STATEMENTS] = {
    [GET] = "SELECT value FROM kv WHERE key = ?1",
    [PUT] = "INSERT INTO kv VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    [REMOVE] = "DELETE FROM kv WHERE key = ?1",
    [NEXT] = "SELECT key FROM kv WHERE key > ?1 ORDER BY key LIMIT 1",
};

/* One for each virtual machine. */
struct store {
    const struct wasmvm_host *host;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

static int failed(struct store *s)
{
    s->host->log(s->host, WASMVM_LOG_ERROR, sqlite3_errmsg(s->db));
    return -2;
}

/* Binds bytes of the module's memory: copied first, as the module may change them meanwhile. */
static int bind(struct store *s, wasmvm_call *call, enum statement which, int column, uint32_t ptr,
                uint32_t len, uint32_t most)
{
    void *bytes = len <= most ? malloc(len + 1u) : NULL;
    if (!bytes || s->host->read(call, ptr, bytes, len) != 0) {
        free(bytes);
        s->host->trap(call, len > most ? "kv: too long" : "kv: the bytes are not in memory");
        return 1;
    }
    sqlite3_bind_blob(s->statements[which], column, bytes, (int)len, free);
    return 0;
}

/* Steps the statement; of a row, copies its first column to (ptr, size) where it fits.  The length,
 * -1 or -2. */
static int step(struct store *s, wasmvm_call *call, enum statement which, uint32_t ptr,
                uint32_t size, wasmvm_val *result)
{
    sqlite3_stmt *statement = s->statements[which];
    int wrong = 0, state = sqlite3_step(statement);
    result->i32 = state == SQLITE_ROW    ? sqlite3_column_bytes(statement, 0)
                  : state == SQLITE_DONE ? -1
                                         : failed(s);
    if (result->i32 > 0 && (uint32_t)result->i32 <= size)
        wrong = s->host->write(call, ptr, sqlite3_column_blob(statement, 0), (uint32_t)result->i32);
    if (wrong)
        s->host->trap(call, "kv: the buffer is not in memory");
    sqlite3_reset(statement);
    return wrong;
}

/* get(key string, buf, size) and next(key string, buf, size): the length of the value, or of the
 * next key; nothing is written where size is less. */
static int lookup(struct store *s, wasmvm_call *call, enum statement which, const wasmvm_val *args,
                  wasmvm_val *result)
{
    return bind(s, call, which, 1, args[0].u32, args[1].u32, KEY_MOST) ||
           step(s, call, which, args[2].u32, args[3].u32, result);
}

static int get(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    return lookup(data, call, GET, args, result);
}

static int next(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    return lookup(data, call, NEXT, args, result);
}

static int put(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    if (bind(data, call, PUT, 1, args[0].u32, args[1].u32, KEY_MOST) ||
        bind(data, call, PUT, 2, args[2].u32, args[3].u32, VALUE_MOST) ||
        step(data, call, PUT, 0, 0, result))
        return 1;
    result->i32 += result->i32 == -1; /* no row is as it should be */
    return 0;
}

static int remove_key(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    struct store *s = data;
    if (bind(s, call, REMOVE, 1, args[0].u32, args[1].u32, KEY_MOST) ||
        step(s, call, REMOVE, 0, 0, result))
        return 1;
    if (result->i32 == -1)
        result->i32 = sqlite3_changes(s->db) ? 0 : -1;
    return 0;
}

static void fini(void *data)
{
    struct store *s = data;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    free(s);
}

static int init(const struct wasmvm_host *host, void **data)
{
    struct store *s = *data = calloc(1, sizeof *s);
    const char *path = host->option(host, "db");
    if (!s || !path) {
        host->log(host, WASMVM_LOG_ERROR, "say where the store is: --plugin kv.so,db=FILE");
        free(s);
        return 1;
    }
    s->host = host;
    int state = sqlite3_open(path, &s->db);
    if (state == SQLITE_OK)
        state = sqlite3_exec(
            s->db,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT "
            "EXISTS kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
            NULL, NULL, NULL);
    for (int i = 0; i < STATEMENTS && state == SQLITE_OK; i++)
        state = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i],
                                   NULL);
    if (state == SQLITE_OK)
        return 0;
    failed(s);
    fini(s);
    return 1;
}

const struct wasmvm_plugin *wasmvm_plugin_get(void)
{
    static const struct wasmvm_func funcs[] = {
        {"kv", "get", "iiii:i", get, NULL},
        {"kv", "put", "iiii:i", put, NULL},
        {"kv", "remove", "ii:i", remove_key, NULL},
        {"kv", "next", "iiii:i", next, NULL},
    };
    static const struct wasmvm_plugin plugin = {
        .abi = WASMVM_PLUGIN_ABI, .flags = WASMVM_PLUGIN_NEEDS_FILES | WASMVM_PLUGIN_ONE_THREAD,
        .name = "kv", .version = "1.0",
        .funcs = funcs, .nfuncs = sizeof funcs / sizeof funcs[0], .init = init, .fini = fini,
    };
    return &plugin;
}
