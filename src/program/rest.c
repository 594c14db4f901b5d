#include "program/rest.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Segments that may be written hold relocated addresses and data: those stay. */
static int drop_clean(struct dl_phdr_info *info, size_t size, void *user)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)user;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *s = &info->dlpi_phdr[i];
		uintptr_t from = ((uintptr_t)info->dlpi_addr + s->p_vaddr + page - 1) & ~(page - 1);
		uintptr_t to = ((uintptr_t)info->dlpi_addr + s->p_vaddr + s->p_filesz) & ~(page - 1);

		if (s->p_type == PT_LOAD && !(s->p_flags & PF_W) && from < to)
			(void)madvise((void *)from, to - from, MADV_DONTNEED); /* the vDSO refuses */
	}
	return 0;
}

void th_process_rest(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_clean, NULL);
}
