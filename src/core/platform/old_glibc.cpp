// What the statically linked libgcc and libstdc++ would otherwise ask of a glibc newer than 2.28.

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

extern "C" {

// libpthread's names moved into libc with new versions in glibc 2.34; the old ones stay everywhere.
// The linker's --wrap sends the archives' calls here.
__asm__(".symver old_pthread_once,pthread_once@GLIBC_2.2.5");
int old_pthread_once(pthread_once_t*, void (*)(void));
int __wrap_pthread_once(pthread_once_t* control, void (*routine)(void)) {
  return old_pthread_once(control, routine);
}

__asm__(".symver old_pthread_key_create,__pthread_key_create@GLIBC_2.2.5");
int old_pthread_key_create(pthread_key_t*, void (*)(void*));
int __wrap___pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) {
  return old_pthread_key_create(key, destructor);
}

// The unwinder of GCC 12 finds exception tables through _dl_find_object (glibc 2.35). The same
// answer from dl_iterate_phdr, which every glibc has.
struct Search {
  ElfW(Addr) address;
  struct dl_find_object* found;
  bool done;
};

static int visit(struct dl_phdr_info* info, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  const ElfW(Phdr)* tables = nullptr;
  bool holds = false;
  ElfW(Addr) start = ~ElfW(Addr){0}, end = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_GNU_EH_FRAME) tables = &header;
    if (header.p_type != PT_LOAD) continue;
    const ElfW(Addr) first = info->dlpi_addr + header.p_vaddr;
    const ElfW(Addr) last = first + header.p_memsz;
    if (first < start) start = first;
    if (last > end) end = last;
    holds = holds || (search->address >= first && search->address < last);
  }
  if (!holds) return 0;
  if (tables != nullptr) {
    search->found->dlfo_flags = 0;
    search->found->dlfo_map_start = reinterpret_cast<void*>(start);
    search->found->dlfo_map_end = reinterpret_cast<void*>(end);
    search->found->dlfo_link_map = nullptr;
    search->found->dlfo_eh_frame = reinterpret_cast<void*>(info->dlpi_addr + tables->p_vaddr);
    search->done = true;
  }
  return 1;
}

__attribute__((visibility("hidden"))) int _dl_find_object(void* address,
                                                          struct dl_find_object* result) noexcept {
  Search search{reinterpret_cast<ElfW(Addr)>(address), result, false};
  dl_iterate_phdr(visit, &search);
  return search.done ? 0 : -1;
}

// std::shared_ptr counts without atomic operations while glibc 2.32 or newer says that there is one
// thread. Never mind.
__attribute__((visibility("hidden"))) extern char __libc_single_threaded;
char __libc_single_threaded = 0;

}  // extern "C"
