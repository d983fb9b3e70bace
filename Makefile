# wasmvm: builds everything.  `make help` lists the commands.  No command but those marked "network" uses the network.
#
# A source file is built when it stands in one of the lists below, one name a line.  Objects go to $(BUILD)/FLAVOUR/,
# and each flavour has a row of flags under "flavours".

# ---- lists: a new file is one line here ----

ENGINE_SRC := \
    engine/error.c \
    engine/load/opcodes.c \
    engine/load/reader.c \
    engine/load/module.c \
    engine/load/sections.c \
    engine/load/segments.c \
    engine/load/constexpr.c \
    engine/load/canon.c \
    engine/load/validate.c \
    engine/load/validate_control.c \
    engine/load/validate_usual.c \
    engine/heap.c \
    engine/run/instance.c \
    engine/run/link.c \
    engine/run/evaluate.c \
    engine/run/runtime.c \
    engine/load/names.c \
    engine/load/gonames.c \
    engine/load/returns.c \
    engine/load/shape.c \
    engine/run/known.c \
    engine/x64/front.c \
    engine/x64/front_aes.c \
    engine/x64/front_bytes.c \
    engine/x64/front_clmul.c \
    engine/x64/front_sha256.c \
    engine/x64/front_words.c \
    engine/ir/ir.c \
    engine/ir/build.c \
    engine/ir/build_stack.c \
    engine/ir/build_address.c \
    engine/ir/build_known.c \
    engine/ir/build_compared.c \
    engine/ir/build_inline.c \
    engine/ir/build_low.c \
    engine/ir/build_product.c \
    engine/ir/build_resume.c \
    engine/ir/build_slot.c \
    engine/ir/build_value.c \
    engine/ir/build_call.c \
    engine/ir/build_control.c \
    engine/ir/build_simd.c \
    engine/ir/build_skip.c \
    engine/ir/build_plain.c \
    engine/ir/cold.c \
    engine/ir/loops.c \
    engine/ir/live.c \
    engine/ir/flow.c \
    engine/ir/color.c \
    engine/run/code.c \
    engine/run/compile.c \
    engine/run/indirect.c \
    engine/run/call.c \
    engine/run/trap.c \
    engine/x64/asm.c \
    engine/x64/emit.c \
    engine/x64/emit_int.c \
    engine/x64/emit_float.c \
    engine/x64/emit_memory.c \
    engine/x64/emit_bulk.c \
    engine/x64/bulk.c \
    engine/x64/emit_control.c \
    engine/x64/emit_call.c \
    engine/x64/emit_simd.c \
    engine/x64/emit_simd_int.c \
    engine/x64/emit_simd_float.c \
    engine/x64/emit_simd_lane.c \
    engine/x64/stubs.c \
    engine/x64/thunks.c \
    engine/x64/enter.c \
    engine/x64/place.c \
    engine/x64/constants.c \
    engine/x64/target.c \

SHIM_SRC := \
    wasi-shim/args.c \
    wasi-shim/batch.c \
    wasi-shim/clock.c \
    wasi-shim/dirs.c \
    wasi-shim/doorbell.c \
    wasi-shim/fdstat.c \
    wasi-shim/hypercall.c \
    wasi-shim/linear.c \
    wasi-shim/preopen.c \
    wasi-shim/random.c \
    wasi-shim/wasi.c \

GUEST_SRC := \
    guest/backtrace.c \
    guest/boot.c \
    guest/end.c \
    guest/entry.S \
    guest/fault.c \
    guest/host.c \
    guest/invoke.c \
    guest/lib.c \
    guest/main.c \
    guest/memory.c \
    guest/note.c \
    guest/quit.c \
    guest/save.c \
    guest/start.S \
    guest/text.c \

VMM_SRC := \
    vmm/base/cputime.c \
    vmm/base/end.c \
    vmm/base/failure.c \
    vmm/base/frame.c \
    vmm/base/guard.c \
    vmm/base/kick.c \
    vmm/base/message.c \
    vmm/base/named.c \
    vmm/base/output.c \
    vmm/base/owner.c \
    vmm/base/random.c \
    vmm/base/settings.c \
    vmm/base/sink.c \
    vmm/base/thread.c \
    vmm/base/within.c \
    vmm/cache/entry.c \
    vmm/cache/hash.c \
    vmm/cache/list.c \
    vmm/cache/saved.c \
    vmm/cache/shipped.c \
    vmm/cache/store.c \
    vmm/jail/crew.c \
    vmm/jail/identity.c \
    vmm/jail/jail.c \
    vmm/jail/landlock.c \
    vmm/jail/seccomp.c \
    vmm/machine/blob.S \
    vmm/machine/boot.c \
    vmm/machine/clockpage.c \
    vmm/machine/features.c \
    vmm/machine/grow.c \
    vmm/machine/guestmem.c \
    vmm/machine/host_table.c \
    vmm/machine/image.c \
    vmm/machine/invoke.c \
    vmm/machine/kvm.c \
    vmm/machine/ram.c \
    vmm/machine/resume.c \
    vmm/machine/snapshot.c \
    vmm/machine/template.c \
    vmm/machine/tables.c \
    vmm/machine/timeline.c \
    vmm/machine/vm.c \
    vmm/run/ask.c \
    vmm/run/exports.c \
    vmm/run/host.c \
    vmm/run/service.c \
    vmm/run/vcpu.c \
    vmm/wasi/device.c \
    vmm/wasi/devfd.c \
    vmm/wasi/dir.c \
    vmm/wasi/places.c \
    vmm/wasi/errno.c \
    vmm/wasi/fd_io.c \
    vmm/wasi/fd_stat.c \
    vmm/wasi/fdtable.c \
    vmm/wasi/file.c \
    vmm/wasi/filesystem.c \
    vmm/wasi/grants.c \
    vmm/wasi/open.c \
    vmm/wasi/path.c \
    vmm/wasi/poll.c \
    vmm/wasi/signals.c \
    vmm/wasi/route.c \
    vmm/wasi/stdio.c \
    vmm/wasi/quota.c \
    vmm/wasi/storage.c \
    vmm/wasi/terminal.c \
    vmm/wasi/stream.c \
    vmm/wasi/tmp.c \
    vmm/wasi/trace.c \
    vmm/wasi/wasi.c \
    vmm/net/addr.c \
    vmm/net/backlog.c \
    vmm/net/batch.c \
    vmm/net/calls.c \
    vmm/net/conn.c \
    vmm/net/dns.c \
    vmm/net/etc.c \
    vmm/net/guest.c \
    vmm/net/idle.c \
    vmm/net/log.c \
    vmm/net/message.c \
    vmm/net/names.c \
    vmm/net/net.c \
    vmm/net/option.c \
    vmm/net/policy.c \
    vmm/net/preopen.c \
    vmm/net/sock.c \
    vmm/net/socket.c \
    vmm/net/unix.c \
    vmm/lib/chart.c \
    vmm/lib/config.c \
    vmm/lib/confine.c \
    vmm/lib/instance.c \
    vmm/lib/module.c \
    vmm/lib/outcome.c \
    vmm/lib/pool.c \
    vmm/lib/process.c \
    vmm/lib/report.c \
    vmm/lib/reset.c \
    vmm/lib/spawn.c \

# The command line, a program on libwasmvm.
CLI_SRC := \
    vmm/base/turns.c \
    vmm/cli/build.c \
    vmm/cli/cache.c \
    vmm/cli/commands.c \
    vmm/cli/doctor.c \
    vmm/cli/doctor_host.c \
    vmm/cli/doctor_machine.c \
    vmm/cli/fail.c \
    vmm/cli/given.c \
    vmm/cli/go.c \
    vmm/cli/helper.c \
    vmm/cli/inherited.c \
    vmm/cli/main.c \
    vmm/cli/options.c \
    vmm/cli/plugin.c \
    vmm/cli/plugin_apart.c \
    vmm/cli/plugin_exec.c \
    vmm/cli/plugin_frame.c \
    vmm/cli/plugin_guard.c \
    vmm/cli/plugin_start.c \
    vmm/cli/plugin_words.c \
    vmm/cli/program.c \
    vmm/cli/run.c \
    vmm/cli/signals.c \
    vmm/cli/values.c \
    vmm/cli/watchdog.c \
    vmm/cli/words.c \
    vmm/plugin/face.c \
    vmm/plugin/library.c \

# In vmm/plugin/library.c's place: the static command loads no libraries.
STATIC_SRC := \
    vmm/plugin/library_none.c \

# The process of a plug-in's library, a program of its own.
PLUGIN_SRC := \
    vmm/base/failure.c \
    vmm/base/frame.c \
    vmm/base/message.c \
    vmm/base/sink.c \
    vmm/base/thread.c \
    vmm/base/turns.c \
    vmm/jail/crew.c \
    vmm/jail/identity.c \
    vmm/jail/jail.c \
    vmm/jail/landlock.c \
    vmm/jail/seccomp.c \
    vmm/plugin/face.c \
    vmm/plugin/host.c \
    vmm/plugin/library.c \

# What the command line has a copy of.
BOTH_SRC := \
    vmm/cache/hash.c \
    vmm/cache/saved.c \
    vmm/cache/store.c \
    vmm/base/failure.c \
    vmm/base/frame.c \
    vmm/base/message.c \
    vmm/base/named.c \
    vmm/base/owner.c \
    vmm/base/output.c \
    vmm/base/sink.c \
    vmm/base/thread.c \
    vmm/base/within.c \

# `wasmvm go`, a program of its own.
GO_SRC := \
    go/cache.c \
    go/main.c \
    go/overlay.c \
    go/text.c \
    go/toolchain.c \
    go/words.c \

# `wasmvm-oci`, the same.
OCI_SRC := \
    oci/annotations.c \
    oci/beneath.c \
    oci/bundle.c \
    oci/conf.c \
    oci/exec.c \
    oci/json.c \
    oci/kvm.c \
    oci/layout.c \
    oci/limits.c \
    oci/main.c \
    oci/module.c \
    oci/placed.c \
    oci/process.c \
    oci/say.c \
    oci/words.c \

# What host tests share, and the spec suite's runner.
TEST_SRC := \
    tests/host/env.c \
    tests/host/file.c \

# The check of emitted code (engine/x64/meant.h) and of slots (engine/ir/ir.h), in test builds of the engine.
CHECK_SRC := \
    tests/check/decode.c \
    tests/check/meant.c \
    tests/check/shape.c \
    tests/check/sets.c \
    tests/check/slots.c \

# In guest/main.c's place: the guest image that runs test scripts of the suite.
SCRIPT_GUEST_SRC := \
    tests/spec/broken.c \
    tests/spec/guest.c \

# The compiler's work as text; main.c is wasm-dump.
DUMP_SRC := \
    tests/dump/code_text.c \
    tests/dump/function.c \
    tests/dump/ir_text.c \

SPEC_SRC := \
    tests/spec/changes.c \
    tests/spec/json.c \
    tests/spec/run.c \
    tests/spec/value.c \

# What makes test scripts of the suite, for the suite inside VMs.
SCRIPT_SRC := \
    tests/host/file.c \
    tests/spec/changes.c \
    tests/spec/json.c \
    tests/spec/script.c \
    tests/spec/value.c \

# ---- settings ----

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG := clang-14
BUILD ?= build
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LIBDIR ?= $(PREFIX)/lib
VERSION := 0.1.0

# V=1 shows whole command lines.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)')

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
# What a package's build maps its directory to, so that the same source gives the same bytes everywhere.
PATH_MAP ?=
BASE := -std=c11 -O2 -g $(PATH_MAP) $(WARN) -I. -MMD -MP
# The image is linked at a fixed address above 4 GiB: position-independent code reaches its data relative to rip.  The
# linker must not relax that code to 32-bit absolute addresses.
FREESTANDING := -ffreestanding -fpie -fvisibility=hidden -fno-stack-protector -fcf-protection=none \
    -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-delete-null-pointer-checks -ffunction-sections
CHECKED := -DENGINE_CHECK_CODE
HOSTED := -D_GNU_SOURCE -fno-strict-aliasing -DSYSCONFDIR='"$(SYSCONFDIR)"' \
    -DJAIL_FILTERS='"$(BUILD)/jail/filters.h"'
# What runs on the host beside a hostile guest.  CET where the compiler has it: an indirect branch to any other place
# than a function's start ends the process, on CPUs and kernels that look.
HARDENED := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -U_FORTIFY_SOURCE \
    -D_FORTIFY_SOURCE=2
HARDENED_LD := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

GUEST_LDFLAGS := -nostdlib -static -no-pie -Wl,-T,guest/link.ld -Wl,--build-id=none -Wl,--gc-sections \
    -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--fatal-warnings -Wl,--no-relax
VMM_LIBS := -lelf -lpthread

# ---- flavours: how the objects in $(BUILD)/NAME/ are compiled ----

FLAGS_guest := $(BASE) $(FREESTANDING)
FLAGS_vmm := $(BASE) $(HOSTED) $(HARDENED) -fPIE -DWASMVM_VERSION='"$(VERSION)"'
FLAGS_lib := $(FLAGS_vmm) -fPIC
ASSEMBLED_lib := $(HARDENED)
# The engine for tests on the host; the same with the checks of CHECK_SRC, of which x64/, color.c and live.c know.
FLAGS_host := $(BASE) -ffreestanding -fno-strict-aliasing
FLAGS_check := $(FLAGS_host) $(CHECKED)
FLAGS_test := $(BASE) $(HOSTED) $(CHECKED)
# Everything again for the unit tests; what two threads share once more, by ThreadSanitizer.
FLAGS_san := $(FLAGS_test) -O1 $(SAN) -DWASMVM_SANITIZED -DWASMVM_VERSION='"$(VERSION)"'
FLAGS_tsan := $(BASE) -O1 $(HOSTED) -fsanitize=thread
# For libFuzzer; fuzz-fast has no AddressSanitizer, and UBSan as traps.
FUZZ_COVERAGE := -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp,trace-div,trace-gep
FLAGS_fuzzer := $(FLAGS_test) -std=gnu11 $(FUZZ_COVERAGE) -fno-omit-frame-pointer
FLAGS_fuzz := $(FLAGS_fuzzer) -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_fuzz-fast := $(FLAGS_fuzzer) -fsanitize=undefined -fsanitize-trap=undefined
COMPILER_fuzz := $(CLANG)
COMPILER_fuzz-fast := $(CLANG)
# The monitor for libFuzzer, which sees its comparisons too; and by gcc, which counts the lines that are reached.
FLAGS_fuzzed := $(FLAGS_test) -std=gnu11 -fsanitize=fuzzer-no-link $(SAN) -DWASMVM_SANITIZED \
    -DWASMVM_VERSION='"$(VERSION)"'
COMPILER_fuzzed := $(CLANG)
FLAGS_covered := $(FLAGS_test) -O1 --coverage -fprofile-update=atomic -DWASMVM_SANITIZED \
    -DWASMVM_VERSION='"$(VERSION)"'

define flavour
$(BUILD)/$1/%.o: %.c
	@mkdir -p $$(@D)
	$$(call say,CC $1 $$<)
	$$(Q)$$(or $$(COMPILER_$1),$$(CC)) $$(FLAGS_$1) -c -o $$@ $$<

$(BUILD)/$1/%.o: %.S
	@mkdir -p $$(@D)
	$$(call say,AS $1 $$<)
	$$(Q)$$(CC) $$(ASSEMBLED_$1) -g $(PATH_MAP) -I. -MMD -MP -DGUEST_ELF='"$(BUILD)/guest.elf"' -c -o $$@ $$<
endef

# Objects of the list $1 in $(BUILD)/$2/.
objects = $(patsubst %,$(BUILD)/$2/%.o,$(basename $1))

# Recipes of what is made of objects: a program, with more flags $1, by the linker $2; an archive; a guest image.
define program
@mkdir -p $(@D)
$(call say,LD $@)
$(Q)$(or $2,$(CC)) -o $@ $^ $1
endef

define archive
@mkdir -p $(@D) && rm -f $@
$(Q)ar qcs $@ $^
endef

define guest_image
@mkdir -p $(@D)
$(call say,LD $@)
$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $(filter %.o,$^)
endef

GUEST_OBJ := $(call objects,$(GUEST_SRC) $(SHIM_SRC) $(ENGINE_SRC),guest)
CLI_OBJ := $(call objects,$(CLI_SRC) $(BOTH_SRC),vmm)
STATIC_OBJ := $(call objects,$(filter-out vmm/plugin/library.c,$(CLI_SRC)) $(STATIC_SRC) $(BOTH_SRC),vmm)

.PHONY: all
all: $(BUILD)/wasmvm $(BUILD)/go_wasip1_wasm_exec $(BUILD)/examples/guest.elf lib go oci

.DELETE_ON_ERROR:
.SUFFIXES:

FLAVOURS := guest vmm lib host check test san tsan fuzz fuzz-fast fuzzed covered jailed
$(foreach name,$(FLAVOURS),$(eval $(call flavour,$(name))))

# ---- the guest image and the monitor ----

$(BUILD)/guest.elf: $(GUEST_OBJ) guest/link.ld
	$(guest_image)

# The archive shows nothing but wasmvm_*: the command line has no other way in.  The command is static, which saves a
# fifth of a start; it becomes its dynamic twin where a plug-in's library is to be loaded into this process.
WASMVM_BESIDE := $(BUILD)/wasmvm-dynamic $(BUILD)/wasmvm-plugin-host
$(BUILD)/wasmvm: $(STATIC_OBJ) $(BUILD)/lib/libwasmvm.a $(WASMVM_BESIDE)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) -static-pie $(HARDENED_LD) -o $@ $(filter-out $(WASMVM_BESIDE),$^) $(VMM_LIBS) -lz

$(BUILD)/wasmvm-dynamic: $(CLI_OBJ) $(BUILD)/lib/libwasmvm.a
	$(call program,-pie $(HARDENED_LD) $(VMM_LIBS))

# A plug-in's library may start threads, and define what programs define: so it is position-independent, and small.
$(BUILD)/wasmvm-plugin-host: $(call objects,$(PLUGIN_SRC),vmm)
	$(call program,-pie $(HARDENED_LD))

# ---- completions of the shells, from the option tables ----

SHELLS := bash zsh fish
.PHONY: completions
completions: $(SHELLS:%=$(BUILD)/completions/%)

$(BUILD)/host/completions: $(BUILD)/vmm/packaging/completions.o $(filter-out %/main.o,$(CLI_OBJ)) \
    $(BUILD)/lib/libwasmvm.a
	$(call program,$(VMM_LIBS))

$(BUILD)/completions/%: $(BUILD)/host/completions
	@mkdir -p $(@D)
	$(Q)$< $* >$@

# ---- libwasmvm: the monitor without its command line ----
#
# Of the archive, too, only wasmvm_* shows: its objects are made one, and the other names local.

LIB_OBJ := $(call objects,$(VMM_SRC),lib)
SONAME := libwasmvm.so.0

.PHONY: lib
lib: $(BUILD)/lib/libwasmvm.so $(BUILD)/lib/libwasmvm.a

$(BUILD)/lib/vmm/machine/blob.o: $(BUILD)/guest.elf $(BUILD)/guest.hash
$(BUILD)/lib/vmm/machine/blob.o: ASSEMBLED_lib += -DGUEST_HASH='"$(BUILD)/guest.hash"'

$(BUILD)/guest.hash: $(BUILD)/guest.elf
	$(Q)sha256sum $< | head -c 64 >$@

$(BUILD)/lib/libwasmvm.so: $(LIB_OBJ) vmm/wasmvm.map
	$(call say,LD $@)
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,vmm/wasmvm.map -Wl,-z,defs $(HARDENED_LD) \
	    -o $@.$(VERSION) $(LIB_OBJ) $(VMM_LIBS)
	$(Q)ln -sf libwasmvm.so.$(VERSION) $(BUILD)/lib/$(SONAME) && ln -sf $(SONAME) $@

$(BUILD)/lib/libwasmvm.a: $(LIB_OBJ)
	$(call say,AR $@)
	$(Q)$(LD) -r -o $(BUILD)/lib/wasmvm.o $(LIB_OBJ)
	$(Q)objcopy --wildcard --keep-global-symbol='wasmvm_*' $(BUILD)/lib/wasmvm.o
	@rm -f $@
	$(Q)ar rcs $@ $(BUILD)/lib/wasmvm.o

# For tests that compile them in their own way; flags as a shell reads them.
.PHONY: lib-sources lib-flags
lib-sources:
	@echo $(filter %.c,$(VMM_SRC))
lib-flags:
	$(info $(HOSTED))@:

# The jail's filters, made of vmm/jail/calls.def by a program that is not part of wasmvm.
$(BUILD)/jail/compile: vmm/jail/compile.c vmm/jail/calls.def vmm/jail/filter.h vmm/jail/jail.h
	@mkdir -p $(@D)
	$(call say,CC $@)
	$(Q)$(CC) -std=c11 -O2 -g $(WARN) -I. $(HOSTED) -o $@ $<

$(BUILD)/jail/filters.h: $(BUILD)/jail/compile
	$(Q)$< >$@

$(foreach name,$(FLAVOURS),$(eval $(BUILD)/$(name)/vmm/jail/seccomp.o: $(BUILD)/jail/filters.h))

# A monitor whose jail names what is not listed, and tries what is forbidden, for tests.
JAIL_OBJ := $(call objects,$(filter vmm/jail/%,$(VMM_SRC)) tests/jail/hooks.c tests/jail/tries.c,jailed)
FLAGS_jailed := $(FLAGS_vmm) -DJAIL_TEST -DJAIL_NAMES='"$(BUILD)/jail/names.h"'

$(BUILD)/jail/names.h:
	@mkdir -p $(@D)
	$(Q)echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
	    sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' >$@

$(BUILD)/jailed/tests/jail/hooks.o: $(BUILD)/jail/names.h

$(BUILD)/jailed/wasmvm: $(call objects,$(CLI_SRC),vmm) $(filter-out $(BUILD)/lib/vmm/jail/%,$(LIB_OBJ)) $(JAIL_OBJ)
	$(call program,-pie $(VMM_LIBS))
	@ln -sf ../wasmvm-go ../wasmvm-plugin-host ../go-exec ../share ../guest.elf $(@D)

# One that enters no jail, and does not say so: what the jail costs is measured against it.
$(BUILD)/unjailed/words.o: vmm/cli/words.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS_vmm) -DWASMVM_SANITIZED -c -o $@ $<

$(BUILD)/unjailed/wasmvm: $(filter-out %/words.o,$(STATIC_OBJ)) $(BUILD)/unjailed/words.o $(BUILD)/lib/libwasmvm.a
	$(call say,LD $@)
	$(Q)$(CC) -static-pie $(HARDENED_LD) -o $@ $^ $(VMM_LIBS) -lz

# No test, and no bench, writes into a home.
export WASMVM_CACHE ?= off

# MODE=exit or poll (--hypercall): what is tested makes its calls so.  MODE=noavx: as if the CPU had no AVX.
TESTED := $(BUILD)/$(if $(MODE),modes/$(MODE)/)wasmvm

$(BUILD)/modes/%/wasmvm: tests/tools/mode.c $(BUILD)/wasmvm
	@mkdir -p $(@D)
	$(call say,CC $@)
	$(Q)$(CC) $(BASE) -O2 $(HOSTED) -static -MF $(@D)/mode.d -o $@ $<
	@ln -sf ../../guest.elf $(@D)/guest.elf

# What `go run` and `go test` look for; it finds wasmvm beside itself.
$(BUILD)/go_wasip1_wasm_exec: images/go_wasip1_wasm_exec
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

# ---- `wasmvm go`: the program, what the go command starts for it, and the files that take the place of Go's ----

GO_LIBS := -ljson-c -lmd
GO_FILES := $(shell find go/files -name '*.go')

.PHONY: go
go: $(BUILD)/wasmvm-go $(BUILD)/go-exec $(GO_FILES:go/files/%=$(BUILD)/share/wasmvm/go/%)

$(BUILD)/wasmvm-go: $(call objects,$(GO_SRC),vmm)
	$(call program,-pie $(HARDENED_LD) $(GO_LIBS))

$(BUILD)/go-exec: go/go-exec
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

$(BUILD)/share/wasmvm/go/%: go/files/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@

# ---- `wasmvm-oci`: the runtime for containers; it finds wasmvm, which it mounts there, beside itself ----

OCI_LIBS := -ljson-c -lmd

.PHONY: oci
oci: $(BUILD)/wasmvm-oci

$(BUILD)/wasmvm-oci: $(call objects,$(OCI_SRC),vmm)
	$(call program,-pie $(HARDENED_LD) $(OCI_LIBS))

# ---- the engine for host tests ----

$(BUILD)/host/libengine.a: $(call objects,$(ENGINE_SRC),host)
	$(archive)

CHECKED_SRC := $(filter engine/x64/% engine/ir/color.c engine/ir/live.c,$(ENGINE_SRC))

$(BUILD)/check/libengine.a: $(call objects,$(filter-out $(CHECKED_SRC),$(ENGINE_SRC)),host) \
    $(call objects,$(CHECKED_SRC),check) $(call objects,$(CHECK_SRC),test)
	$(archive)

# ---- the spec suite's runner, and what the suite needs inside VMs ----

SPEC_OBJ := $(call objects,$(TEST_SRC) $(SPEC_SRC),test)

$(BUILD)/host/spec-run: $(SPEC_OBJ) $(BUILD)/check/libengine.a
	$(call program,-lm)

$(BUILD)/host/spec-script: $(call objects,$(SCRIPT_SRC),test)
	$(program)

$(BUILD)/tests/script.elf: $(call objects,$(SCRIPT_GUEST_SRC),guest) $(filter-out %/guest/main.o,$(GUEST_OBJ)) \
    guest/link.ld
	$(guest_image)

# ---- a guest of one's own: docs/guest.md ----

EXAMPLE_GUEST_SRC := \
    images/examples/guest/guest.c \
    guest/entry.S \
    guest/note.c \

$(BUILD)/examples/guest.elf: $(call objects,$(EXAMPLE_GUEST_SRC),guest) guest/link.ld
	$(guest_image)

# ---- unit tests: every tests/unit/.../test_NAME.c is one cmocka program, linked with what it needs ----

TSAN_BIN := $(addprefix $(BUILD)/tsan/,test_service test_batch test_dns test_cputime test_plugin_guard)
UNIT_SRC := $(sort $(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC)) $(TSAN_BIN)
SAN_LIBS := $(addprefix $(BUILD)/san/,libvmm.a libtest.a libshim.a libengine.a)

$(BUILD)/san/libtest.a: $(call objects,$(TEST_SRC) $(DUMP_SRC) tests/host/batch_guest.c tests/host/no_image.c,san)
$(BUILD)/san/libengine.a: $(call objects,$(ENGINE_SRC) $(CHECK_SRC),san)
$(BUILD)/san/libshim.a: $(call objects,$(SHIM_SRC),san)
$(BUILD)/san/libguest.a: $(call objects,$(filter %.c,$(GUEST_SRC)),san)
$(BUILD)/san/libvmm.a: $(call objects,$(filter-out vmm/cli/main.c vmm/machine/blob.S,$(VMM_SRC) $(CLI_SRC)),san)
$(BUILD)/san/libgo.a: $(call objects,$(filter-out go/main.c,$(GO_SRC)),san)
$(BUILD)/san/lib%.a:
	$(archive)

$(BUILD)/san/spec-run: $(call objects,$(SPEC_SRC),san) $(BUILD)/san/libtest.a $(BUILD)/san/libengine.a
	$(call program,$(SAN) -lm)

# The monitor itself, for guests that attack it.
$(BUILD)/san/wasmvm: $(call objects,tests/host/sanitizers.c $(filter %.c,$(VMM_SRC) $(CLI_SRC)),san) \
    $(BUILD)/lib/vmm/machine/blob.o
	$(call program,$(SAN) $(VMM_LIBS))

# The front alone, for what attacks it.
$(BUILD)/san/wasmvm-oci: $(call objects,$(OCI_SRC),san)
	$(call program,$(SAN) $(OCI_LIBS))

$(BUILD)/unit/go/%: $(BUILD)/san/tests/unit/go/%.o $(BUILD)/san/libgo.a
	$(call program,$(SAN) $(GO_LIBS) -lcmocka)

# The guest's own library (memcpy and so on) stands after the C library, so that it never replaces it.
$(BUILD)/unit/%: $(BUILD)/san/tests/unit/%.o $(SAN_LIBS) $(BUILD)/san/libguest.a
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(SAN) -o $@ $< $(SAN_LIBS) $(VMM_LIBS) -lcmocka -lm -lc \
	    $(if $(filter guest/% wasi-shim/%,$*),$(BUILD)/san/libguest.a)

# They are made on the way to the programs, and kept.
.SECONDARY: $(UNIT_SRC:%.c=$(BUILD)/san/%.o)

# What two threads share: the hand-over of calls, bytes without calls, the resolver, CPU time, a plug-in's guard.
$(BUILD)/tsan/test_service: $(call objects,tests/unit/vmm/run/test_service.c vmm/run/service.c vmm/base/message.c \
    vmm/base/cputime.c vmm/base/sink.c vmm/base/thread.c wasi-shim/hypercall.c,tsan)
$(BUILD)/tsan/test_batch: $(call objects,tests/unit/vmm/net/test_batch.c vmm/net/batch.c vmm/net/backlog.c \
    $(addprefix vmm/base/,cputime.c message.c sink.c thread.c) tests/host/batch_guest.c wasi-shim/batch.c \
    wasi-shim/linear.c,tsan)
$(BUILD)/tsan/test_dns: $(call objects,tests/unit/vmm/net/test_dns.c $(addprefix vmm/base/,cputime.c \
    failure.c message.c sink.c thread.c) \
    $(addprefix vmm/net/,dns.c policy.c addr.c message.c log.c),tsan)
$(BUILD)/tsan/test_cputime: $(call objects,tests/unit/vmm/base/test_cputime.c vmm/base/cputime.c,tsan)
$(BUILD)/tsan/test_plugin_guard: $(call objects,tests/unit/vmm/cli/test_plugin_guard.c vmm/cli/plugin_guard.c \
    $(addprefix vmm/base/,message.c sink.c thread.c),tsan)
$(TSAN_BIN):
	$(call program,-fsanitize=thread -lpthread -lcmocka)

.PHONY: unit
unit: $(UNIT_BIN)

# ---- fuzzers: tests/fuzz/ ----
#
# The module target has a heap of its own in engine/heap.c's place.  fuzz-replay is the target without libFuzzer.

FUZZ_TARGET := tests/fuzz/module.c tests/fuzz/heap.c
FUZZ_SRC := $(filter-out engine/heap.c,$(ENGINE_SRC)) $(FUZZ_TARGET) tests/fuzz/mutate.c
FUZZ_CHECK_OBJ := $(call objects,$(CHECK_SRC),test)

$(BUILD)/fuzz/module: $(call objects,$(FUZZ_SRC),fuzz) $(FUZZ_CHECK_OBJ)
	$(call program,-fsanitize=fuzzer $(SAN),$(CLANG))

$(BUILD)/fuzz/module-fast: $(call objects,$(FUZZ_SRC),fuzz-fast) $(FUZZ_CHECK_OBJ)
	$(call program,-fsanitize=fuzzer,$(CLANG))

$(BUILD)/san/fuzz-replay: $(call objects,$(FUZZ_TARGET) tests/fuzz/replay.c,san) \
    $(BUILD)/san/libengine.a
	$(call program,$(SAN))

# Targets of the monitor: NAME_FUZZ_SRC, and flags of the linker.  Each is built by libFuzzer's compiler, and to run
# inputs again under the sanitizers, or with its lines counted.
FUZZ_TARGETS := calls frames pages dns words image saved
FUZZ_calls := $(addprefix tests/fuzz/,calls.c arguments.c options.c world.c steps.c faults.c)
FUZZ_frames := tests/fuzz/frames.c
FUZZ_pages := $(addprefix tests/fuzz/,pages.c steps.c faults.c)
FUZZ_dns := tests/fuzz/dns.c
FUZZ_words := tests/fuzz/words.c
FUZZ_image := tests/fuzz/image.c
FUZZ_saved := tests/fuzz/saved.c
FUZZ_WRAP_STEPS := asprintf fcntl fallocate read \
    thread_start pthread_join pthread_mutex_lock ppoll clock_gettime getrandom syscall \
    $(shell awk -F', ' '/^[A-Z]+./ && NF > 2 { print $$2 }' tests/fuzz/faults.def)
FUZZ_WRAP_calls := $(FUZZ_WRAP_STEPS) linear_read guest_read linear_write linear_span
FUZZ_WRAP_pages := $(FUZZ_WRAP_STEPS) process_start program_find sigtimedwait
FUZZ_LD_calls := $(FUZZ_WRAP_calls:%=-Wl,--wrap=%)
FUZZ_LD_pages := $(FUZZ_WRAP_pages:%=-Wl,--wrap=%)
FUZZ_LD_words := -Wl,--wrap=fail,--wrap=fail_as,--wrap=exit
FUZZ_MUTATOR_calls := tests/fuzz/records.c
FUZZ_VMM := $(filter-out vmm/cli/main.c vmm/machine/blob.S,$(VMM_SRC) $(CLI_SRC)) tests/host/no_image.c
FUZZ_RERUN := tests/fuzz/replay.c

$(BUILD)/fuzzed/libvmm.a: $(call objects,$(FUZZ_VMM),fuzzed)
	$(archive)
$(BUILD)/covered/libvmm.a: $(call objects,$(FUZZ_VMM),covered)
	$(archive)

define fuzz_target
$(BUILD)/fuzz/$1: $(call objects,$(FUZZ_$1) $(FUZZ_MUTATOR_$1),fuzzed) $(BUILD)/fuzzed/libvmm.a
	$$(call program,-fsanitize=fuzzer $$(SAN) $$(FUZZ_LD_$1) $$(VMM_LIBS),$$(CLANG))
$(BUILD)/san/fuzz-$1: $(call objects,$(FUZZ_$1) $(FUZZ_RERUN) tests/host/no_image.c,san) $(BUILD)/san/libvmm.a
	$$(call program,$$(SAN) $$(FUZZ_LD_$1) $$(VMM_LIBS))
$(BUILD)/covered/fuzz-$1: $(call objects,$(FUZZ_$1) $(FUZZ_RERUN),covered) $(BUILD)/covered/libvmm.a
	$$(call program,--coverage $$(FUZZ_LD_$1) $$(VMM_LIBS))
endef
$(foreach name,$(FUZZ_TARGETS),$(eval $(call fuzz_target,$(name))))

$(BUILD)/host/diff-run: $(call objects,$(TEST_SRC) tests/fuzz/diff_run.c,test) $(BUILD)/check/libengine.a
	$(program)

$(BUILD)/host/wasm-dump: $(call objects,$(TEST_SRC) $(DUMP_SRC) tests/dump/main.c,test) $(BUILD)/check/libengine.a
	$(program)

$(BUILD)/host/compile: $(call objects,$(TEST_SRC) tests/bench/compile.c,test) $(BUILD)/host/libengine.a
	$(program)

# What a start is measured against, and what runs programs in turn.
BENCH_START := $(addprefix $(BUILD)/bench/,floor-static floor-dynamic turns)

$(BUILD)/bench/floor-static: $(call objects,tests/bench/floor/floor.c,vmm)
	$(call program,-static)

$(BUILD)/bench/floor-dynamic: $(call objects,tests/bench/floor/floor.c,vmm)
	$(program)

$(BUILD)/bench/turns: $(call objects,tests/bench/turns.c,vmm)
	$(call program,-static)

# Takes tests/check/'s place: the engine tells it what is an address in the code.
$(BUILD)/host/count: $(call objects,$(TEST_SRC) tests/count/count.c tests/count/cause.c tests/count/wasi.c,test) \
    $(BUILD)/check/libengine.a
	$(program)

$(BUILD)/host/fronts: $(call objects,$(TEST_SRC) tests/known/fronts.c tests/known/calls.c,test) \
    $(BUILD)/check/libengine.a
	$(program)

$(BUILD)/host/code-hash: $(call objects,$(TEST_SRC) tests/code/hash.c,test) $(BUILD)/check/libengine.a
	$(call say,LD $@)
	$(Q)$(CC) -o $@ $^

FUZZ_REPLAY := $(BUILD)/san/fuzz-replay $(BUILD)/host/diff-run
FUZZ_RERUNS := $(FUZZ_TARGETS:%=$(BUILD)/san/fuzz-%)

# ---- commands ----
#
# A part of the tests is NAME="COMMAND"; the command's last line is `N passed, N failed, N skipped`.

PARTS := tests/tools/parts.sh

CHECK_PARTS := \
    format="tests/tools/format.sh" \
    names="tests/tools/names.sh" \
    layering="$(MAKE) lib && tests/tools/layering.sh $(LIB_OBJ)" \
    sizes="tests/tools/sizes.sh" \
    words="tests/tools/words.py" \
    pictures="tests/tools/plot.py --check" \
    code-map="tests/e2e/run.py readme/the-code-map readme/the-picture readme/each-folder" \
    compile="tests/tools/compile.sh $(CC) $(BUILD)" \
    clang="tests/tools/compile.sh $(CLANG) $(BUILD)/clang" \
    surface="$(MAKE) $(BUILD)/jail/compile && tests/tools/surface.sh --check $(BUILD)" \
    hardened="tests/tools/hardened.sh $(BUILD) $(BUILD)/clang" \
    unit="$(MAKE) -k -j2 unit; made=$$?; tests/tools/unit.sh $(UNIT_BIN) && exit $$made" \
    ir="$(MAKE) $(BUILD)/host/wasm-dump && tests/ir/run.sh $(BUILD)/host/wasm-dump" \
    fuzz-replay="$(MAKE) $(FUZZ_REPLAY) && tests/fuzz/replay.sh $(FUZZ_REPLAY)" \
    mutate="tests/mutate/test.py" \
    fuzz-monitor="$(MAKE) $(FUZZ_RERUNS) && tests/fuzz/monitor.sh replay $(BUILD) $(FUZZ_TARGETS)" \

OCI_PARTS := oci="$(MAKE) $(BUILD)/san/wasmvm-oci && tests/oci/run.py --wasmvm $(BUILD)/wasmvm"

# Bits of enum engine_cpu: nothing beyond SSE4.1.
OLD_CPU := 0x7e

SPEC_PARTS := \
    spec="$(MAKE) $(BUILD)/host/spec-run && tests/tools/spec.sh $(BUILD)/host/spec-run" \
    spec-old-cpu="$(MAKE) $(BUILD)/host/spec-run && tests/tools/spec.sh $(BUILD)/host/spec-run -z -w $(OLD_CPU)" \
    spec-san="$(MAKE) $(BUILD)/san/spec-run && tests/tools/spec.sh $(BUILD)/san/spec-run" \

# What the suite needs inside VMs: the image that runs test scripts, and what makes them.
SPEC_VM := $(BUILD)/tests/script.elf $(BUILD)/host/spec-script

SPEC_VM_PARTS := \
    spec-vm="$(MAKE) all $(SPEC_VM) && tests/tools/spec-vm.sh $(BUILD)/wasmvm $(SPEC_VM)" \

TEST_PARTS := $(SPEC_PARTS) $(SPEC_VM_PARTS) \
    model="$(MAKE) -s model" \
    fuzz-diff="$(MAKE) $(BUILD)/host/diff-run && tests/fuzz/diff.py --count 300" \
    known="$(MAKE) all $(BUILD)/host/fronts && CALLS=4000 tests/known/run.py $(BUILD)/wasmvm $(BUILD)/host/fronts" \
    count="$(MAKE) $(BUILD)/host/count && tests/count/run.py --ci" \
    fuzz-edges="$(MAKE) all $(BUILD)/host/diff-run $(SPEC_VM) && \
        tests/fuzz/diff.py --kind edges --count 200 --vm $(BUILD)/wasmvm" \
    fuzz-minute="$(MAKE) $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%) && \
        tests/fuzz/monitor.sh minute $(BUILD) $(FUZZ_TARGETS)" \
    fuzz-worst="$(MAKE) $(BUILD)/host/compile && tests/fuzz/worst.py $(BUILD)/host/compile" \
    golden="tests/golden/run.sh $(BUILD)/wasmvm" \
    jail="$(MAKE) $(BUILD)/jailed/wasmvm && tests/jail/run.py --build $(BUILD)" \
    hostile="tests/hostile/run.sh $(BUILD)/wasmvm" \
    hostile-fuzz="$(MAKE) $(BUILD)/san/wasmvm && tests/hostile/fuzz.py --wasmvm $(BUILD)/san/wasmvm --seconds 30" \
    e2e="tests/e2e/run.py --wasmvm $(BUILD)/wasmvm" \
    symbols="$(MAKE) lib && tests/embed/symbols.sh $(BUILD)" \
    embed="$(MAKE) all && tests/embed/run.py --build $(BUILD)" \
    std="tests/std/run.py --wasmvm $(BUILD)/wasmvm --ci" \
    std-network="tests/std/network.py --wasmvm $(BUILD)/wasmvm --ci" \

# The whole monitor under ASan and UBSan.
# A sanitizer needs the address space that these take away.
GOLDEN_SAN := $(filter-out tests/golden/ulimit.golden,$(wildcard tests/golden/*.golden))

SAN_PARTS := \
    golden-san="$(MAKE) $(BUILD)/san/wasmvm && tests/golden/run.sh $(BUILD)/san/wasmvm $(GOLDEN_SAN)" \
    hostile-san="tests/hostile/run.sh $(BUILD)/san/wasmvm" \
    e2e-san="tests/e2e/run.py --wasmvm $(BUILD)/san/wasmvm files/ policy/ streams/" \
    embed-tsan="tests/embed/run.py --build $(BUILD) --tsan nested stop-a-call limit-taken-away" \

# What runs in VMs, once more with a way of calls; E2E: only cases whose names hold one of these words.
MODES ?= exit poll
E2E ?=
mode_parts = \
    golden-$1="tests/golden/run.sh $(BUILD)/modes/$1/wasmvm" \
    hostile-$1="tests/hostile/run.sh $(BUILD)/modes/$1/wasmvm" \
    e2e-$1="tests/e2e/run.py --wasmvm $(BUILD)/modes/$1/wasmvm $(E2E)" \
    embed-$1="tests/embed/run.py --build $(BUILD) --hypercall $1" \
    spec-vm-$1="tests/tools/spec-vm.sh $(BUILD)/modes/$1/wasmvm $(SPEC_VM)" \
    std-$1="tests/std/run.py --wasmvm $(BUILD)/modes/$1/wasmvm --ci" \

## make            build $(BUILD)/wasmvm with the guest image in it, and $(BUILD)/lib/libwasmvm.so and .a
## make install    to PREFIX (/usr/local), below DESTDIR: wasmvm, wasmvm-binfmt, go_wasip1_wasm_exec, the man page,
##                 wasmvm-oci, completions, libwasmvm (LIBDIR), wasmvm.h, wasmvm_plugin.h
## make dist       what is committed, as $(BUILD)/dist/wasmvm-VERSION.tar.xz
## make sbom       what the binaries consist of, as $(BUILD)/wasmvm-VERSION.spdx.json
## make deb        the Debian packages, in $(BUILD)/deb (network)
## make test-packages  makes them twice, installs them in a fresh Debian and runs a module there (root, network)
## make deps       install the Debian packages that building and testing need (root, network)
## make demo       install what building needs, build, run images/demo.wasm in a VM (root, network at first)
## make check      what you run all day: look, includes, warnings of gcc and clang, unit tests under ASan and UBSan
## make spec       the official WebAssembly suite, as if on an old CPU, under ASan and UBSan (network at first)
## make spec-vm    the suite again, each file inside a VM (network at first)
## make test       check, spec suite both ways, model, fuzzing, golden cases, hostile guests, end-to-end in KVM, the
##                 library, some of Go's own tests (network); REQUIRE_KVM=1 makes skips failures
## make fuzz       libFuzzer on T=module or T=module-fast (no ASan),
##                 for S=60 seconds, inputs up to L=8192 bytes (clang)
## make fuzz-calls, fuzz-frames, fuzz-pages, fuzz-dns, fuzz-words, fuzz-image, fuzz-saved
##                 libFuzzer on a part of the monitor, for S=60 seconds
## make prove      what cbmc proves of small parts of the monitor, for all inputs (cbmc)
## make fuzz-lines the lines of the monitor that what was found so far does not reach; fails for one that
##                 tests/fuzz/unreached.txt does not have
## make fuzz-diff  N=1000 random modules of SEED=1 on our engine and on V8 (node, binaryen)
## make test-modes what runs in VMs, with MODES="exit poll" as --hypercall; also MODE=poll for one of those below,
##                 and MODE=noavx, as if the CPU had no AVX
## make test-warm golden cases and end-to-end ones, twice: the second time from images of starts (docs/cache.md); then
##                 what test-shipped does
## make test-shipped  golden cases, and hostile guests, from images to ship (docs/shipping.md)
## make test-san   golden cases, hostile guests and some end-to-end cases with the monitor under ASan and UBSan, some
##                 of the library's under ThreadSanitizer
## make test-inject N=150 (or N=all) system calls of the monitor that fail, one at a time, drawn by SEED=1 (strace)
## make soak       MINUTES=30 of runs of all kinds, eight at a time, killed at random: nothing is left (root)
## make mutate     N=100 small mistakes of SEED=1 in the sources, and which tests notice; goes on where it was
## make test-jail-rows  each row of the jail's table is needed: without it the test fails that tests/jail/rows.txt names
## make surface    what a guest that broke out finds: hypercalls, system calls of the jail, lines of trusted code
## make test-user  VM tests by an ordinary user of /dev/kvm's group; then by a container's root (root)
## make test-reset 10,000 resets of one machine leave nothing behind (RESETS=N)
## make test-svm   VM tests on an emulated AMD-V machine (network)
## make model      the hand-over of calls, in every interleaving, by spin
## make std        Go's standard library tests, each package in a VM; STD=ci: few packages; STD=all: every one (network)
## make test-modules modules of C, Rust, TinyGo, CPython, clang... (network; as root it installs the compilers)
## make test-tools real Go command-line tools and esbuild against their native builds (network)
## make test-go    servers, go run and go test with each Go line from 1.21 on (network)
## make test-oci   containers: podman, runc and containerd with wasmvm-oci; what is missing is skipped (root; network)
## make test-k8s  a cluster of one node, whose pods are virtual machines; builds Kubernetes first (root; network)
## make test-peers curl, wrk, nginx, Redis, PostgreSQL, gRPC on loopback; what is missing is skipped (network)
## make bench-serve Go servers under load, HTTP, gRPC, Redis' protocol: native, wasmvm (network at first)
## make bench      start times and Go programs against native Go and other runtimes (network)
## make bench-start what a start costs, against a bare machine of KVM (the floor) and other runtimes (network at first)
## make bench-calls what a call costs: by exit, polled, natively, on other runtimes; host functions, exports (network)
## make bench-fleet what machines of a pool hold of memory, and how many runs a second they do (network at first)
## make bench-reset what taking a machine back costs, that wrote 4 KiB and 1 MiB (network at first)
## make bench-idle what sleeping guests cost, and ten minutes of their clocks (network at first)
## make bench-count instructions that Go programs execute here and natively, by cause (valgrind; network at first)
## make bench-compile compile speed and memory against wazero (network at first)
## make code-hash  hashes of the machine code of all modules in CORPUS, to compare two builds of the engine
## make images     build images/demo.wasm anew with the pinned Go: the same bytes (network)
## make fresh      make demo and make test in a minimal Debian (root, network)
## make clean      remove build/ but for what came by network (make distclean: all of it)
.PHONY: install deps demo images check spec spec-vm test fuzz fuzz-diff test-svm model std test-modules test-tools
MINUTES ?= 30
.PHONY: test-inject soak test-user
test-user: all lib $(BUILD)/jailed/wasmvm $(SPEC_VM)
	tests/tools/rights.sh user container

soak: all
	tests/soak/run.py --minutes $(MINUTES) --seed $(SEED)

test-inject: all
	tests/inject/run.py --seed $(SEED) $(if $(filter all,$(N)),--all,\
	    --count $(if $(filter file,$(origin N)),150,$(N)))

.PHONY: test-go test-peers test-modes bench-serve bench fresh bench-calls bench-idle bench-compile clean distclean help
.PHONY: test-warm
.PHONY: surface code-hash bench-count bench-start test-san mutate test-oci test-k8s dist sbom deb test-packages
install: all completions
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/include
	install $(BUILD)/wasmvm $(BUILD)/go_wasip1_wasm_exec $(DESTDIR)$(PREFIX)/bin
	ln -sf wasmvm $(DESTDIR)$(PREFIX)/bin/wasmvm-binfmt
	install -d $(DESTDIR)$(PREFIX)/libexec/wasmvm $(DESTDIR)$(PREFIX)/share/wasmvm
	install $(BUILD)/wasmvm-go $(WASMVM_BESIDE) $(BUILD)/go-exec $(DESTDIR)$(PREFIX)/libexec/wasmvm
	install $(BUILD)/wasmvm-oci $(DESTDIR)$(PREFIX)/bin
	cp -r $(BUILD)/share/wasmvm/go $(DESTDIR)$(PREFIX)/share/wasmvm
	install -m 644 docs/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 -D $(BUILD)/completions/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/wasmvm
	install -m 644 -D $(BUILD)/completions/zsh $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_wasmvm
	install -m 644 -D $(BUILD)/completions/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/wasmvm.fish
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 644 vmm/wasmvm.h vmm/wasmvm_plugin.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(BUILD)/lib/libwasmvm.a $(DESTDIR)$(LIBDIR)
	install -m 644 $(BUILD)/lib/libwasmvm.so.$(VERSION) $(DESTDIR)$(LIBDIR)
	ln -sf libwasmvm.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libwasmvm.so
	sed -e 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@VERSION@,$(VERSION),' vmm/wasmvm.pc.in \
	    >$(DESTDIR)$(LIBDIR)/pkgconfig/wasmvm.pc

dist:
	packaging/dist.sh $(VERSION) $(BUILD)/dist

sbom: all
	packaging/sbom.py $(VERSION) $(BUILD)/wasmvm $(WASMVM_BESIDE) $(BUILD)/wasmvm-oci $(BUILD)/wasmvm-go \
	    $(BUILD)/lib/libwasmvm.so.$(VERSION) >$(BUILD)/wasmvm-$(VERSION).spdx.json

deb:
	@tests/tools/deps.sh build deb
	packaging/deb.sh $(VERSION) $(BUILD)/deb

test-packages:
	@tests/tools/deps.sh build deb fresh
	tests/packages/run.sh $(BUILD)

deps:
	tests/tools/deps.sh build check test fuzz svm

demo:
	@tests/tools/deps.sh build
	@$(MAKE) all
	@mkdir -p $(BUILD)/demo && cp README.md $(BUILD)/demo/
	$(BUILD)/wasmvm --dir $(BUILD)/demo::/data --env GREETING=hello images/demo.wasm /data

images:
	images/build.sh $(BUILD)/demo.wasm
	cmp $(BUILD)/demo.wasm images/demo.wasm || cp $(BUILD)/demo.wasm images/demo.wasm

check:
	@$(PARTS) $(CHECK_PARTS)

spec:
	@$(PARTS) $(SPEC_PARTS)

spec-vm:
	@$(PARTS) $(SPEC_VM_PARTS)

test:
	@tests/tools/deps.sh build check test
	@$(PARTS) $(CHECK_PARTS) $(TEST_PARTS)

T ?= module
S ?= 60
L ?= 8192
N ?= 1000
SEED ?= 1

# What is found stays in $(BUILD)/fuzz/found; no file that it writes exceeds 200 MB.
FUZZ_CORPUS = $(BUILD)/fuzz/corpus
fuzz: $(BUILD)/fuzz/$(T)
	@mkdir -p $(FUZZ_CORPUS) $(BUILD)/fuzz/found
	@[ -d $(BUILD)/fuzz/seeds ] || tests/fuzz/seeds.sh $(BUILD)/fuzz/seeds
	ulimit -f 200000; ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 $(BUILD)/fuzz/$(T) -entropic=0 \
	    -rss_limit_mb=1500 -timeout=20 -max_len=$(L) -reload=0 -verbosity=0 -print_final_stats=1 \
	    -max_total_time=$(S) -artifact_prefix=$(BUILD)/fuzz/found/ $(FUZZ_CORPUS) \
	    $(BUILD)/fuzz/seeds

.PHONY: fuzz-lines $(FUZZ_TARGETS:%=fuzz-%)
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(BUILD)/fuzz/%
	tests/fuzz/monitor.sh fuzz $(BUILD) $* $(S)

.PHONY: prove
prove:
	tests/prove/run.sh

fuzz-lines: $(FUZZ_TARGETS:%=$(BUILD)/covered/fuzz-%)
	tests/fuzz/monitor.sh lines $(BUILD) $(FUZZ_TARGETS)

fuzz-diff: $(BUILD)/host/diff-run
	tests/fuzz/diff.py --count $(N) --seed $(SEED) --keep $(BUILD)/fuzz/differ

# env.golden prints all variables, and these modes set one.
GOLDEN_ANY_ENV := $(filter-out tests/golden/env.golden,$(wildcard tests/golden/*.golden))

test-modes: all $(SPEC_VM) $(MODES:%=$(BUILD)/modes/%/wasmvm) $(BUILD)/modes/noavx/wasmvm
	@$(PARTS) $(foreach mode,$(MODES),$(call mode_parts,$(mode))) \
	    golden-noavx="tests/golden/run.sh $(BUILD)/modes/noavx/wasmvm $(GOLDEN_ANY_ENV)"

# Twice: in the second round starts go on from the images of the first.
warm_parts = \
    golden-$1="tests/golden/run.sh $(BUILD)/modes/warm/wasmvm $(GOLDEN_ANY_ENV)" \
    e2e-$1="tests/e2e/run.py --wasmvm $(BUILD)/modes/warm/wasmvm $(E2E)" \

# From images to ship: golden cases of which each module became one first, and hostile guests from forged ones.  An
# image does not come by a pipe, and a small limit of memory leaves none to make one.
SHIPPED := $(BUILD)/modes/shipped
SHIPPED_GOLDEN := $(filter-out tests/golden/env.golden tests/golden/ulimit.golden,$(wildcard tests/golden/*.golden))
shipped_parts = \
    golden-shipped="$(SHIPPED)/golden/run.sh $(SHIPPED)/wasmvm $(SHIPPED_GOLDEN:tests/%=$(SHIPPED)/%)" \
    hostile-shipped="FROM=image BUILD=$(SHIPPED) tests/hostile/run.sh $(BUILD)/wasmvm" \

$(SHIPPED)/wasmvm: tests/tools/shipped.sh $(wildcard tests/golden/*) $(BUILD)/wasmvm
	rm -rf $(SHIPPED)
	mkdir -p $(SHIPPED) && cp -r tests/golden $(SHIPPED) && cp tests/tools/shipped.sh $@
	sed -i '/mkfifo/,/^=/d' $(SHIPPED)/golden/module.golden

test-warm: all $(BUILD)/modes/warm/wasmvm $(SHIPPED)/wasmvm
	rm -rf $(BUILD)/modes/warm/store
	@$(PARTS) $(call warm_parts,made) $(call warm_parts,warm) $(shipped_parts)

.PHONY: test-shipped
test-shipped: all $(SHIPPED)/wasmvm
	@$(PARTS) $(shipped_parts)

test-san: all
	@$(PARTS) $(SAN_PARTS)

mutate: all
	nice tests/mutate/mutate.py --count $(if $(filter file,$(origin N)),100,$(N)) --seed $(SEED)

.PHONY: test-jail-rows
test-jail-rows: all $(BUILD)/jailed/wasmvm
	REQUIRE_KVM=1 tests/jail/rows.py --build $(BUILD)

surface: $(BUILD)/jail/compile
	@tests/tools/surface.sh $(BUILD)

test-go: all $(TESTED)
	EVERY_GO=1 tests/e2e/run.py --wasmvm $(TESTED) gotool/ command/go-

RESETS ?= 10000
.PHONY: test-reset
test-reset: all
	EMBED_RESETS=$(RESETS) tests/embed/run.py --build $(BUILD) --link static reset-leaves-nothing

test-svm:
	@tests/tools/deps.sh build svm
	@$(MAKE) all
	tests/tools/svm.sh $(BUILD)/wasmvm $(MODE)

model:
	@tests/model/run.sh $(BUILD)/model

std: all $(TESTED)
	tests/std/run.py --wasmvm $(TESTED) $(addprefix --,$(STD))
	tests/std/network.py --wasmvm $(TESTED) $(addprefix --,$(filter ci,$(STD)))

# A compiler that cannot be had makes its cases skips.
test-modules: all $(TESTED)
	-@tests/tools/deps.sh build test modules
	@$(PARTS) modules="tests/e2e/run.py --wasmvm $(TESTED) --cases tests/modules" \
	    packages="tests/e2e/run.py --wasmvm $(TESTED) languages compilers"

test-tools: all $(TESTED)
	WASMVM=$(abspath $(TESTED)) tests/bench/tools.py --check

test-k8s: all
	-@tests/tools/deps.sh oci
	tests/k8s/build.sh $(BUILD)/cache/k8s
	tests/k8s/run.py --wasmvm $(BUILD)/wasmvm --kubernetes $(BUILD)/cache/k8s

test-oci: all
	-@tests/tools/deps.sh oci
	@$(PARTS) $(OCI_PARTS)

test-peers: all $(TESTED)
	-@tests/tools/deps.sh peers
	@tests/peers/run.py --wasmvm $(TESTED)

bench-serve: all
	@tests/tools/deps.sh peers
	tests/bench/serve.py

bench: all
	tests/bench/run.py
	tests/bench/tools.py

bench-compile: $(BUILD)/host/compile
	tests/bench/compile.py

bench-count: $(BUILD)/host/count
	@tests/tools/deps.sh bench
	tests/count/run.py

code-hash: $(BUILD)/host/code-hash
	tests/code/hash.sh $< $(CORPUS) $(BUILD)/code-hash

bench-start: all $(BENCH_START)
	tests/bench/start.py

bench-calls: all
	tests/bench/calls.py

.PHONY: bench-reset
bench-reset: all
	gcc -O2 -Ivmm -o $(BUILD)/bench-reset tests/bench/reset.c $(BUILD)/lib/libwasmvm.a -lelf -lpthread
	cd tests/bench/programs && GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 ../../tools/go.sh pinned build \
	    -o $(abspath $(BUILD))/bench-touch.wasm ./touch
	for n in 4096 1048576; do echo "$$n bytes written:"; $(BUILD)/bench-reset $(BUILD)/bench-touch.wasm $$n 2000; done

.PHONY: bench-fleet
bench-fleet: all
	gcc -O2 -Ivmm -o $(BUILD)/bench-fleet tests/bench/fleet.c $(BUILD)/lib/libwasmvm.a -lelf -lpthread
	cd tests/bench/programs && GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 ../../tools/go.sh pinned build \
	    -o $(abspath $(BUILD))/bench-hello.wasm ./hello
	printf '\0asm\1\0\0\0\1\4\1\140\0\0\3\2\1\0\7\12\1\6_start\0\0\12\4\1\2\0\13' >$(BUILD)/bench-trivial.wasm
	gcc -O2 -o $(BUILD)/bench-vms tests/bench/vms.c
	for n in 1 60 200 400 1000; do \
	    $(BUILD)/bench-fleet $(BUILD)/bench-hello.wasm $(BUILD)/bench-trivial.wasm $$n 1500; done
	for n in 1 200 1000; do $(BUILD)/bench-vms $$n; done

bench-idle: all
	tests/bench/idle.py

fresh:
	@tests/tools/deps.sh fresh
	tests/tools/fresh.sh

clean:
	find $(BUILD) -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +

distclean:
	chmod -R u+w $(BUILD)/cache 2>/dev/null; rm -rf $(BUILD)

help:
	@sed -n 's/^## //p' Makefile

-include $(shell [ -d $(BUILD) ] && find $(BUILD) -name '*.d' -not -path '$(BUILD)/cache/*')
