BUN := .bun/bun
CXX ?= g++
FLAGS := -std=c++20 -O3 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections \
  -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror -Isrc/core
CXXFLAGS := $(FLAGS) -include platform/old_glibc.hpp
LDFLAGS := -shared -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,--no-undefined \
  -Wl,--version-script=src/core/abi/exports.map -Wl,--wrap=pthread_once -Wl,--wrap=__pthread_key_create \
  -Wl,--wrap=stdin -Wl,--wrap=stdout -Wl,--wrap=stderr
ARCHIVES = $(foreach name,liberfa libbz2,$(firstword $(wildcard /usr/lib/*/$(name).a /usr/lib/$(name).a)))

# The native core, once for every x86-64 and once for those with AVX2 and FMA; chosen when it is loaded.
LEVELS := x86-64 x86-64-v3
CORE := $(LEVELS:%=build/libskyscan-%.so)
# What only tests ask of the core is built into libraries of their own, of the same objects.
TESTING := $(LEVELS:%=build/libskyscan-testing-%.so)
SOURCES := $(filter-out src/core/abi/testing.cpp,$(sort $(wildcard src/core/*/*.cpp)))
TYPESCRIPT := $(shell find bin src -name '*.ts' -o -name '*.tsv' -o -name '*.md' -o -name '*.ttf' -o -name '*.json' -o -path 'src/page/*' -type f)

# The core's unit tests: with the objects of the level this machine runs, and once more with sanitizers. What they test is
# compiled as it is shipped, they themselves for a quick build. Without the
# interface, which tests in TypeScript reach, and platform/, which is for shared libraries on old glibc.
CORE_TESTS := $(sort $(wildcard test/core/*.cpp test/core/*/*.cpp))
TEST_LEVEL := $(if $(shell grep -m 1 avx2 /proc/cpuinfo),x86-64-v3,x86-64)
TESTED := $(filter-out src/core/abi/% src/core/platform/%,$(SOURCES))
# With sanitizers GCC 12 sees uninitialised values in dlib's matrices that are not.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g -Wno-maybe-uninitialized
DOCTEST := /usr/include/doctest/doctest.h

# ccache keeps what precompiled headers went into when it is told not to mind their times.
export CCACHE_SLOPPINESS := pch_defines,time_macros

.PHONY: setup build release core testing demo test test-core test-long test-condor test-slurm bench bench-minima bench-physics lint format clean

build: dist/skyscan

setup:
	@sh scripts/setup.sh

core: setup
	@$(MAKE) --no-print-directory -j$(shell nproc) $(CORE)

# After the core, whose objects it links: side by side both would make them.
testing: core
	@$(MAKE) --no-print-directory -j$(shell nproc) $(TESTING)

# Neither .env nor bunfig.toml of the folder it is started in is read, and no code runs but its own (BUN_INSPECT could
# name some); scripts/seal.ts closes what there is no flag for. Bytecode halves the time to start: 0.77 to 0.41 s for --version on a busy machine.
EXECUTABLE := --compile --minify-syntax --minify-whitespace --sourcemap=none --bytecode --format=esm \
  --no-compile-autoload-dotenv --no-compile-autoload-bunfig \
  --compile-exec-argv="--disallow-code-generation-from-strings=strict"

dist/skyscan: setup core $(TYPESCRIPT) package.json bun.lock
	@mkdir -p dist
	$(BUN) build $(EXECUTABLE) bin/skyscan.ts --outfile $@.new
	$(BUN) scripts/seal.ts $@.new
	@mv $@.new $@

# For where it travels to many machines: 50 MB instead of 122, unpacked in half a second.
dist/skyscan.zst: dist/skyscan
	zstd -q -10 -f $< -o $@

# One file to hand out: executable, scripts, completions, manual page, licences; the same bytes from the same sources.
release: dist/skyscan
	$(BUN) scripts/release/release.ts

define level_rules
# GCC takes it for base/standard.hpp, since this folder is searched before src/core.
build/$(1)/base/standard.hpp.gch: src/core/base/standard.hpp Makefile
	@mkdir -p $$(@D)
	$$(CXX) $$(FLAGS) -march=$(1) -x c++-header $$< -o $$@.new
	@mv $$@.new $$@

build/$(1)/%.o: src/core/%.cpp build/$(1)/base/standard.hpp.gch Makefile
	@mkdir -p $$(@D)
	$$(CXX) -Ibuild/$(1) -include base/standard.hpp $$(CXXFLAGS) -march=$(1) -MMD -MP -c $$< -o $$@

build/libskyscan-$(1).so: $$(SOURCES:src/core/%.cpp=build/$(1)/%.o) src/core/abi/exports.map
	$$(CXX) $$(LDFLAGS) $$(filter %.o,$$^) $$(ARCHIVES) -o $$@

build/libskyscan-testing-$(1).so: $$(SOURCES:src/core/%.cpp=build/$(1)/%.o) build/$(1)/abi/testing.o src/core/abi/exports.map
	$$(CXX) $$(LDFLAGS) $$(filter %.o,$$^) $$(ARCHIVES) -o $$@
endef
$(foreach level,$(LEVELS),$(eval $(call level_rules,$(level))))

build/test/standard.hpp.gch: test/core/standard.hpp src/core/base/standard.hpp Makefile
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -march=$(TEST_LEVEL) -x c++-header $< -o $@.new
	@mv $@.new $@

build/test/%.o: test/core/%.cpp build/test/standard.hpp.gch Makefile
	@mkdir -p $(@D)
	$(CXX) -Ibuild/test -include standard.hpp $(CXXFLAGS) -O1 -march=$(TEST_LEVEL) -MMD -MP -c $< -o $@

build/test-core: $(CORE_TESTS:test/core/%.cpp=build/test/%.o) $(TESTED:src/core/%.cpp=build/$(TEST_LEVEL)/%.o)
	$(CXX) $^ $(ARCHIVES) -o $@

build/sanitized/test/%.o: test/core/%.cpp Makefile
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(SANITIZE) -march=$(TEST_LEVEL) -MMD -MP -c $< -o $@

build/sanitized/%.o: src/core/%.cpp Makefile
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(SANITIZE) -march=$(TEST_LEVEL) -MMD -MP -c $< -o $@

build/test-core-sanitized: $(CORE_TESTS:test/core/%.cpp=build/sanitized/test/%.o) $(TESTED:src/core/%.cpp=build/sanitized/%.o)
	$(CXX) $(SANITIZE) $^ $(ARCHIVES) -o $@

-include $(shell find build -name '*.d' 2>/dev/null)

# The main job on an event of our own, whose true direction is known.
demo: build
	dist/skyscan scan test/data/simulated_muon.json --output-dir build/demo --cache-dir build/demo/cache --seed 1

# The time limit only ends what hangs: five seconds, Bun's own, are too few on a machine with other work to do. Tests start
# the executable, as its users do: from source, hundreds of processes would each compile the program anew. They wait as
# often as they work, for timers, brokers and browsers: four at once keep two cores busy.
test: build testing
	@sh scripts/setup.sh test
	$(BUN) x tsc --noEmit
	$(BUN) x tsc --noEmit -p src/page
	@[ ! -f $(DOCTEST) ] || $(MAKE) --no-print-directory -j$(shell nproc) build/test-core
	SKYSCAN_TEST_PROGRAM=$(CURDIR)/dist/skyscan $(BUN) test --parallel=4 --timings=test/timings.json --timeout 120000

# These alone; `bun test` runs and counts them too.
test-core: setup
	@sh scripts/setup.sh test
	@$(MAKE) --no-print-directory -j$(shell nproc) build/test-core
	build/test-core

# Files side by side, to their end whatever fails; LONG="soak fuzz" runs these alone.
test-long: build testing
	@sh scripts/setup.sh test
	SKYSCAN_TEST_PROGRAM=$(CURDIR)/dist/skyscan $(BUN) scripts/test_long.ts $(LONG)

# Scans on a throw-away pool and cluster on this machine's loopback; what cannot be had here skips, and says so.
test-condor: build
	@sh scripts/setup.sh condor
	@sh test/condor/root.sh .cache/condor/root
	$(BUN) test --timeout 300000 ./test/condor/condor.system.ts

test-slurm: build
	@sh scripts/setup.sh slurm
	$(BUN) test --timeout 300000 ./test/slurm/slurm.system.ts

bench: build
	$(BUN) scripts/bench/bench.ts

# Whole scans of the alerts alone: how long they take, and how many of the lowest minima known they miss.
bench-minima: build
	$(BUN) scripts/bench/bench.ts --maps

bench-physics: build
	$(BUN) scripts/bench/physics.ts --write

lint: setup
	$(BUN) x tsc --noEmit
	$(BUN) x tsc --noEmit -p src/page
	$(BUN) x biome check --config-path=.biome.json
	clang-format --dry-run --Werror src/core/*/*.cpp src/core/*/*.hpp src/core/*/*.h $(CORE_TESTS) $(wildcard test/core/*.hpp test/core/*/*.hpp)

format: setup
	$(BUN) x biome check --write --config-path=.biome.json
	clang-format -i src/core/*/*.cpp src/core/*/*.hpp src/core/*/*.h $(CORE_TESTS) $(wildcard test/core/*.hpp test/core/*/*.hpp)

clean:
	rm -rf build dist
