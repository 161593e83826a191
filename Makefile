BUN := .bun/bun
CXX ?= g++
CXXFLAGS := -std=c++20 -O3 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections \
  -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror -Isrc/core -include platform/old_glibc.hpp
LDFLAGS := -shared -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,--no-undefined \
  -Wl,--wrap=pthread_once -Wl,--wrap=__pthread_key_create
LIBERFA := $(firstword $(wildcard /usr/lib/*/liberfa.a /usr/lib/liberfa.a))

# The native core, once for every x86-64 and once for those with AVX2 and FMA; chosen when it is loaded.
LEVELS := x86-64 x86-64-v3
CORE := $(LEVELS:%=build/libskyscan-%.so)
SOURCES := $(sort $(wildcard src/core/*/*.cpp))
TYPESCRIPT := $(shell find bin src -name '*.ts' -o -name '*.tsv' -o -name '*.ttf' -o -name '*.json')

.PHONY: setup build core demo test test-long bench lint format clean

build: dist/skyscan

setup:
	@sh scripts/setup.sh

core: setup
	@$(MAKE) --no-print-directory -j$(shell nproc) $(CORE)

dist/skyscan: setup core $(TYPESCRIPT) package.json bun.lock
	@mkdir -p dist
	$(BUN) build --compile --minify-syntax --minify-whitespace --sourcemap=none bin/skyscan.ts --outfile $@.new
	@mv $@.new $@

define level_rules
build/$(1)/%.o: src/core/%.cpp Makefile
	@mkdir -p $$(@D)
	$$(CXX) $$(CXXFLAGS) -march=$(1) -MMD -MP -c $$< -o $$@

build/libskyscan-$(1).so: $$(SOURCES:src/core/%.cpp=build/$(1)/%.o)
	$$(CXX) $$(LDFLAGS) $$^ $$(LIBERFA) -o $$@
endef
$(foreach level,$(LEVELS),$(eval $(call level_rules,$(level))))
-include $(LEVELS:%=build/%/*/*.d)

# The main job on an event of our own, whose true direction is known.
demo: build
	dist/skyscan scan test/data/simulated_muon.json --output-dir build/demo --cache-dir build/demo/cache --seed 1

# The time limit only ends what hangs: five seconds, Bun's own, are too few on a machine with other work to do.
test: build
	@sh scripts/setup.sh test
	$(BUN) x tsc --noEmit
	$(BUN) test --timeout 120000

test-long: build
	$(BUN) test --timeout 3600000 $(addprefix ./,$(wildcard test/long/*.long.ts))

bench: build
	$(BUN) scripts/bench.ts

lint: setup
	$(BUN) x tsc --noEmit
	$(BUN) x biome check --config-path=.biome.json
	clang-format --dry-run --Werror src/core/*/*.cpp src/core/*/*.hpp src/core/*/*.h

format: setup
	$(BUN) x biome check --write --config-path=.biome.json
	clang-format -i src/core/*/*.cpp src/core/*/*.hpp src/core/*/*.h

clean:
	rm -rf build dist
