/* Bring-up: what stands before any module is looked at.  After it the engine is there, and a quit
 * request is heard. */
#include "guest/guest.h"

struct guest guest;

/* The monitor has compared versions before it loaded this image; this is the image's own look. */
static void boot_check(void)
{
    const struct boot_record *boot = &guest.control->boot;
    if (boot->magic != ABI_MAGIC || boot->abi_version != ABI_VERSION)
        end_run(END_CRASH, "the guest image and the monitor are of different versions", 0);
}

static void engine_start(void)
{
    struct engine_env env;
    memory_env(guest.control, &env);
    guest.engine = engine_new(&env);
    if (!guest.engine)
        end_run(END_NOMEM, "no memory for the engine", 0);
}

static void shim_start(void)
{
    guest.control = (struct control *)MAP_CONTROL;
    boot_check();
    shim_init(&guest.shim, guest.control);
}

void guest_boot(void)
{
    shim_start();
    engine_start();
    quit_ready(guest.control);
}

/* The shim begins anew: what it knew was another run's. */
void guest_reboot(void)
{
    struct engine_env env;
    shim_start();
    memory_env(guest.control, &env);
    engine_resume(guest.engine, &env);
    quit_ready(guest.control);
}
