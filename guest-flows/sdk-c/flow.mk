# Builds a flow in C: include it from a project's Makefile after setting SDK, this folder.
#
#   COMPILER   clang (Debian's, with wasi-libc) or zig (which brings its own libc)
#   SOURCES    the flow's files; without it, every .c in the folder

COMPILER ?= clang
SOURCES ?= $(wildcard *.c)

CC_clang := clang --target=wasm32-wasi
CC_zig := zig cc -target wasm32-wasi
CFLAGS := -std=c17 -Os -Wall -Wextra -Werror
# The host calls `run`, not `main`. A conversation needs little stack; memory starts at one page and grows.
LDFLAGS := -mexec-model=reactor -Wl,-z,stack-size=32768 -Wl,--strip-all

build/flow.wasm: $(SOURCES) $(wildcard *.h) $(wildcard $(SDK)/*) Makefile
	@mkdir -p build
	$(CC_$(COMPILER)) $(CFLAGS) -I$(SDK) $(SOURCES) $(SDK)/gudok.c $(SDK)/flow.c $(LDFLAGS) -o $@

.PHONY: clean
clean:
	rm -rf build
