/* A C program that asks a pricing rule written in Go, a million times: pricing RULE.wasm [CALLS] */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <wasmvm.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    wasmvm_error error = {0};
    const wasmvm_export *price;
    long calls = argc > 2 ? atol(argv[2]) : 1000000;
    double sum = 0;

    if (argc < 2)
        return fprintf(stderr, "pricing RULE.wasm [CALLS]\n"), 2;
    wasmvm_config *config = wasmvm_config_new();
    wasmvm_config_memory(config, 64 << 20);
    wasmvm_module *module = wasmvm_module_file(argv[1], &error);
    wasmvm_instance *rule = module ? wasmvm_instance_new(module, config, &error) : NULL;
    if (!rule || wasmvm_initialize(rule, &error) || wasmvm_lookup(rule, "price", &price, &error))
        return fprintf(stderr, "pricing: %s\n", error.text), 1;

    double began = seconds();
    for (long i = 0; i < calls; i++) {
        wasmvm_val result, args[3] = {{.i32 = (int32_t)(i % 200)}, {.f64 = 2.5}, {.f64 = 10}};
        if (wasmvm_invoke(rule, price, args, 3, &result, 1, &error))
            return fprintf(stderr, "pricing: %s\n", error.text), 1;
        sum += result.f64;
    }
    double took = seconds() - began;

    wasmvm_statistics cost = {.size = sizeof cost};
    wasmvm_instance_statistics(rule, &cost);
    printf("%ld prices, sum %.2f\n", calls, sum);
    fprintf(stderr, "%.3f us each, %llu VM exits\n", took * 1e6 / (double)calls,
            (unsigned long long)cost.exits);
    wasmvm_instance_free(rule);
    wasmvm_module_free(module);
    wasmvm_config_free(config);
    return 0;
}
