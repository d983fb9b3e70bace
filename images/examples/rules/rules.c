/* A rules engine whose rules are Go modules that nobody vouches for: rules CUSTOMER CENTS
 * RULE.wasm...
 *
 * Each rule gets a virtual machine, 32 MiB, half a second a call, and two functions of ours; what
 * it does with that is its matter.  One that fails is left out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasmvm.h>

static wasmvm_host services;

/* (buffer, room) -> length: the name, as much of it as there is room for. */
static int customer(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    const char *name = data;
    size_t length = strlen(name) < args[1].u32 ? strlen(name) : args[1].u32;
    result->u32 = (uint32_t)length;
    return services.write(call, args[0].u32, name, (uint32_t)length);
}

/* A string is a pointer and a length. */
static int say(void *data, wasmvm_call *call, const wasmvm_val *args, wasmvm_val *result)
{
    char text[200] = "";
    (void)data, (void)result;
    uint32_t length = args[1].u32 < sizeof text ? args[1].u32 : sizeof text - 1;
    if (services.read(call, args[0].u32, text, length) != 0) {
        services.trap(call, "log: the text does not lie in memory");
        return 1;
    }
    printf("rule says: %s\n", text);
    return 0;
}

/* The rule's price, or the old one where it has none. */
static int64_t ask(const char *file, wasmvm_config *config, int64_t cents)
{
    wasmvm_error error = {0};
    const wasmvm_export *rule;
    wasmvm_val result, arg = {.i64 = cents};
    wasmvm_module *module = wasmvm_module_file(file, &error);
    wasmvm_instance *machine = module ? wasmvm_instance_new(module, config, &error) : NULL;
    if (machine)
        wasmvm_call_limit(machine, 500 * 1000 * 1000);
    if (!machine || wasmvm_initialize(machine, &error) ||
        wasmvm_lookup(machine, "rule", &rule, &error) ||
        wasmvm_invoke(machine, rule, &arg, 1, &result, 1, &error))
        printf("left out (%d): %s\n", error.code, error.text);
    else
        cents = result.i64;
    wasmvm_instance_free(machine);
    wasmvm_module_free(module);
    return cents;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fprintf(stderr, "rules CUSTOMER CENTS RULE.wasm...\n"), 2;
    const wasmvm_func funcs[] = {
        {"shop", "customer", "ii:i", customer, argv[1]}, {"shop", "log", "ii:", say, NULL},
    };
    int64_t cents = atoll(argv[2]);
    wasmvm_services(&services);
    wasmvm_config *config = wasmvm_config_new();
    wasmvm_config_memory(config, 32 << 20);
    wasmvm_config_timeout(config, 10000000000);
    wasmvm_config_funcs(config, funcs, sizeof funcs / sizeof *funcs);
    for (int i = 3; i < argc; i++)
        cents = ask(argv[i], config, cents);
    printf("%" PRId64 " cents\n", cents);
    wasmvm_config_free(config);
    return 0;
}
